"""Pictures of results: each function takes a result and an Axes, draws, and returns the Axes."""

from tavrnn_ephys.figures.benchmark import plot_benchmark, plot_benchmark_cost
from tavrnn_ephys.figures.composition import analysis_figures, overview_figure, save_figure
from tavrnn_ephys.figures.embeddings import plot_node_embedding, plot_window_embedding
from tavrnn_ephys.figures.matrices import connectivity_limit, plot_attention, plot_connectivity
from tavrnn_ephys.figures.raster import plot_raster
from tavrnn_ephys.figures.scores import plot_scores

__all__ = [
    "analysis_figures",
    "connectivity_limit",
    "overview_figure",
    "plot_attention",
    "plot_benchmark",
    "plot_benchmark_cost",
    "plot_connectivity",
    "plot_node_embedding",
    "plot_raster",
    "plot_scores",
    "plot_window_embedding",
    "save_figure",
]

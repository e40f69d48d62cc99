"""Pictures of results: each function takes a result and an Axes, draws, and returns the Axes."""

from tavrnn_ephys.figures.benchmark import plot_benchmark, plot_benchmark_cost
from tavrnn_ephys.figures.composition import analysis_figures, overview_figure
from tavrnn_ephys.figures.context import WindowContext
from tavrnn_ephys.figures.effects import plot_conditions, plot_forest
from tavrnn_ephys.figures.electrodes import plot_electrodes
from tavrnn_ephys.figures.embeddings import plot_node_embedding, plot_window_embedding
from tavrnn_ephys.figures.matrices import (
    connectivity_limit,
    plot_attention,
    plot_attention_back,
    plot_connectivity,
)
from tavrnn_ephys.figures.performance import (
    plot_against_performance,
    plot_attention_with_performance,
    plot_performance_by_rank,
    plot_placed_nodes,
)
from tavrnn_ephys.figures.raster import plot_raster
from tavrnn_ephys.figures.scores import plot_scores
from tavrnn_ephys.figures.similarity import plot_similarity, window_similarity
from tavrnn_ephys.figures.states import plot_state_graph, plot_state_times
from tavrnn_ephys.figures.style import letter_panels, save_figure

__all__ = [
    "WindowContext",
    "analysis_figures",
    "connectivity_limit",
    "letter_panels",
    "overview_figure",
    "plot_against_performance",
    "plot_attention",
    "plot_attention_back",
    "plot_benchmark",
    "plot_benchmark_cost",
    "plot_attention_with_performance",
    "plot_conditions",
    "plot_connectivity",
    "plot_electrodes",
    "plot_forest",
    "plot_node_embedding",
    "plot_performance_by_rank",
    "plot_placed_nodes",
    "plot_raster",
    "plot_scores",
    "plot_similarity",
    "plot_state_graph",
    "plot_state_times",
    "plot_window_embedding",
    "save_figure",
    "window_similarity",
]

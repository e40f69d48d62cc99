"""The demonstration: a simulated culture from spikes to states, with the truth beside it."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity.surrogates import shuffle_bins_within_windows
from tavrnn_ephys.core.errors import ChanceLossWarning
from tavrnn_ephys.core.output import check_folder, make_folder
from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.core.runs import ResultTable
from tavrnn_ephys.datasets.culture import CultureTruth, culture_truth, simulate_culture
from tavrnn_ephys.evaluation import (
    DecodingScore,
    blocked_folds,
    decode_labels,
    embed_in_folds,
    features_in_folds,
)
from tavrnn_ephys.figures import (
    WindowContext,
    analysis_figures,
    overview_figure,
    plot_scores,
    save_figure,
)
from tavrnn_ephys.figures.page.writing import report
from tavrnn_ephys.io.blocks import behavior_columns
from tavrnn_ephys.io.reading import read, write_nwb
from tavrnn_ephys.methods import UASE
from tavrnn_ephys.results import write_results
from tavrnn_ephys.studies.analysis import (
    AnalysisConfig,
    AnalysisResult,
    analyze,
    graphs_of,
    make_model,
    results_of,
)
from tavrnn_ephys.studies.answering import answer, stored_answer
from tavrnn_ephys.studies.change import change_tables
from tavrnn_ephys.studies.run import tables_of

__all__ = ["DemoReport", "run_demo"]

RECORDING, RESULTS, REPORT = "culture.nwb", "culture_tavrnn.nwb", "report.html"
FIGURES = (
    "raster",
    "connectivity",
    "connectivity_mean",
    "embedding",
    "similarity",
    "scores",
    "overview",
)
_DWELL_S = 12.0


@dataclass(frozen=True, kw_only=True)
class DemoReport:
    """
    What the demonstration found.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    truth : CultureTruth
        What drove the culture.
    scores : tuple of DecodingScore
        State decoded from the embedding, from the spectral coordinates that it starts from,
        from mean rates, and from the embedding of shuffled bins.
    files : tuple of pathlib.Path
        Files written.
    """

    result: AnalysisResult
    truth: CultureTruth
    scores: tuple[DecodingScore, ...]
    files: tuple[Path, ...]

    def __str__(self) -> str:
        windows, truth = self.result.windows, self.truth
        folder = self.files[0].parent
        lines = [
            f"A simulated culture of {self.result.activity.n_nodes} channels switched between two "
            f"couplings {len(truth.states) - 1} times in {truth.switch_s[-1]:g} s, at equal rates.",
            "",
            *(sentence.text for sentence in answer(self.result)),
            "",
            f"Its state, decoded from {len(windows)} windows of "
            f"{self.result.config.window_length_s:g} s in 5 blocks of time, everything fitted "
            "inside the training blocks:",
            "",
            f"  {'decoded from':<38} {'balanced accuracy':>17}   chance (95 %)      p",
        ]
        for score in self.scores:
            low, high = score.chance_interval
            lines.append(
                f"  {score.name:<38} {score.balanced_accuracy:>17.3f}   "
                f"{low:.3f} to {high:.3f}   {score.p_value:.3f}"
            )
        lines += [
            "",
            f"Chance: {len(self.scores[0].null)} circular shifts of the states in time. Shuffled "
            "bins keep every rate and destroy every coincidence.",
            f"Written to {folder}: {', '.join(path.name for path in self.files)}",
        ]
        return "\n".join(lines)


def run_demo(
    folder: str | Path, *, seed: int = 0, overwrite: bool = False, verbose: bool = True
) -> DemoReport:
    """
    Simulate a culture, analyse it, write the results and the figures.

    Parameters
    ----------
    folder : str or pathlib.Path
        Where the files go; created if it does not exist.
    seed : int
        Seed of the culture and of the model.
    overwrite : bool
        Whether files of an earlier demonstration may be replaced.
    verbose : bool
        Whether progress bars are shown on a terminal.

    Returns
    -------
    DemoReport
        Scores beside chance; its text is the report.

    Raises
    ------
    OutputError
        If a file exists or the folder is not writable.
    """
    out = check_folder(folder, [RECORDING, RESULTS, REPORT, *_png_names()], overwrite=overwrite)
    simulated = simulate_culture(seed=seed)
    make_folder(out)
    truth = culture_truth(simulated)
    recording = write_nwb(simulated, out / RECORDING, overwrite=overwrite)
    block = read(recording)
    config = AnalysisConfig(bin_size_s=0.01, window_length_s=2.0, step_s=1.0, seed=seed)
    result = analyze(block, config, verbose=verbose)
    result = dataclasses.replace(result, change=change_tables(result))
    scores = _state_scores(result, truth, verbose=verbose)
    tables = {**stored_answer(tables_of(result)), "comparison": _comparison(scores)}
    found = results_of(result, tables=tables)
    write_results(recording, found, out=out / RESULTS, overwrite=overwrite)
    figures = _figures(result, truth, scores, behavior_columns(block.segments[0])["performance"])
    paths = [out / RECORDING, out / RESULTS]
    for name, figure in figures.items():
        paths.append(out / f"{name}.png")
        save_figure(figure, paths[-1])
    paths.append(report(out / RESULTS, out=out / REPORT, overwrite=overwrite))
    return DemoReport(result=result, truth=truth, scores=scores, files=tuple(paths))


def _png_names() -> list[str]:
    return [f"{name}.png" for name in FIGURES]


def _comparison(scores: tuple[DecodingScore, ...]) -> ResultTable:
    import pandas as pd

    rows = [
        {
            "method": score.name,
            "score": score.balanced_accuracy,
            "chance_low": score.chance_interval[0],
            "chance_high": score.chance_interval[1],
            "p_value": score.p_value,
            "metric": "balanced accuracy",
        }
        for score in scores
    ]
    return ResultTable(
        frame=pd.DataFrame(rows),
        description="How well the simulated state is decoded from each kind of features, in five "
        "blocks of time, everything fitted inside the training blocks.",
        columns={
            "method": "What the state is decoded from.",
            "score": "Balanced accuracy over the test blocks, in [0, 1].",
            "chance_low": "Lower limit of the central 95 % of circular shifts of the states.",
            "chance_high": "Upper limit of the central 95 % of circular shifts of the states.",
            "p_value": "Share of the shifts that score at least as well, the score counted in.",
            "metric": "What the score is.",
        },
    )


def _change_points(result: AnalysisResult) -> Any:
    table = result.change.get("change_times")
    return () if table is None else table["window_index"].to_numpy()


def _window_states(result: AnalysisResult, truth: CultureTruth) -> NDArray[np.int64]:
    return truth.state_at((result.windows.start_s + result.windows.stop_s) / 2)


def _state_scores(
    result: AnalysisResult, truth: CultureTruth, *, verbose: bool
) -> tuple[DecodingScore, ...]:
    config, windows = result.config, result.windows
    states = _window_states(result, truth)
    # Every stretch is embedded on its own, so that only overlapping windows could leak.
    folds = blocked_folds(len(windows), gap=windows.overlap + 1)
    shuffled = shuffle_bins_within_windows(result.activity, windows, seed=config.seed)
    _, shuffled_graphs = graphs_of(shuffled, windows, config)
    build = partial(make_model, config)

    def in_folds(graphs: Any, what: str) -> Any:
        bar = partial(progress_bar, what=what, unit="fold", verbose=verbose)
        return embed_in_folds(build, graphs, folds, progress=bar)

    with warnings.catch_warnings():
        # The control is made to say nothing about the windows; that it does is no news.
        warnings.simplefilter("ignore", ChanceLossWarning)
        control = in_folds(shuffled_graphs, "shuffled control")

    decode = partial(
        decode_labels,
        labels=states,
        min_shift=int(_DWELL_S / (config.step_s or 1.0)),
        seed=config.seed,
    )
    rates = result.connectivity.mean_activity
    return (
        decode("TAVRNN embedding", in_folds(result.graphs, "cross-validation")),
        decode("spectral embedding, no network", embed_in_folds(UASE, result.graphs, folds)),
        decode("mean rates", features_in_folds(rates, folds)),
        decode("TAVRNN, bins shuffled within windows", control),
    )


def _figures(
    result: AnalysisResult,
    truth: CultureTruth,
    scores: tuple[DecodingScore, ...],
    performance: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> dict[str, Any]:
    from matplotlib.figure import Figure

    names = np.array(["segregated", "aligned"])
    about = {
        "score": result.windows.columns["performance"],
        "score_label": "performance",
        "truth": names[_window_states(result, truth)],
        "behavior": (*performance, "performance"),
        "context": WindowContext(changes=_change_points(result)),
    }
    inputs = (result.activity, result.windows, result.connectivity, result.embedding)
    figures = analysis_figures(*inputs, **about)
    figure = Figure(figsize=(8, 3), layout="constrained")
    rows = [
        {
            "name": score.name,
            "score": score.balanced_accuracy,
            "chance_low": score.chance_interval[0],
            "chance_high": score.chance_interval[1],
        }
        for score in scores
    ]
    plot_scores(rows, ax=figure.add_subplot())
    return {**figures, "scores": figure, "overview": overview_figure(*inputs, **about)}

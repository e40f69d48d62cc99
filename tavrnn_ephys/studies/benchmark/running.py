"""Methods on tasks: records, table, figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.core.checks import positive_int, some
from tavrnn_ephys.core.csv_files import write_csv
from tavrnn_ephys.core.errors import InputError, OutputError
from tavrnn_ephys.core.output import check_folder, make_folder, whole_file
from tavrnn_ephys.core.provenance import package_versions
from tavrnn_ephys.evaluation.runs import Job, run_jobs
from tavrnn_ephys.evaluation.summary import markdown_table, summarize
from tavrnn_ephys.evaluation.tasks import TaskSource
from tavrnn_ephys.figures import plot_benchmark, plot_benchmark_cost, save_figure
from tavrnn_ephys.methods.registry import ORACLES
from tavrnn_ephys.studies.benchmark.recorded import FileSource
from tavrnn_ephys.studies.benchmark.simulated import SCENARIOS, SimulatedSource

if TYPE_CHECKING:
    import pandas

__all__ = [
    "BenchmarkReport",
    "MethodFactory",
    "benchmark",
    "benchmark_file",
    "benchmark_simulated",
]

CSV, MARKDOWN, SETTINGS, RECORDS = "benchmark.csv", "benchmark.md", "settings.json", "records"


# The default of this function is public, and stays.
_FOUR = SCENARIOS[:4]
# Folders of former releases name every measure of simulated cultures but this one.
_UNTOLD = "pearson"


@dataclass(frozen=True, kw_only=True)
class MethodFactory:
    """
    Builds a method of the registry with a seed; it can be sent to another process.

    Parameters
    ----------
    entry : object
        With ``build(**budget)``, such as :class:`~tavrnn_ephys.methods.MethodEntry`.
    n_steps : int
        Optimizer steps.
    latent_size : int
        Width of the embedding of a node.
    """

    entry: Any
    n_steps: int
    latent_size: int

    def __call__(self, seed: int) -> Any:
        """
        Build the method.

        Parameters
        ----------
        seed : int
            Its seed.

        Returns
        -------
        object
            The unfitted method.
        """
        return self.entry.build(seed=seed, n_steps=self.n_steps, latent_size=self.latent_size)


@dataclass(frozen=True, kw_only=True)
class BenchmarkReport:
    """
    What a benchmark found.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per task and method; see :func:`tavrnn_ephys.evaluation.summarize`.
    files : tuple of pathlib.Path
        Files written.
    """

    table: pandas.DataFrame
    files: tuple[Path, ...]

    def __str__(self) -> str:
        lines = []
        for task, rows in self.table.groupby("task", sort=False):
            lines.append(f"{task}: {len(rows)} methods")
            for _, row in rows.iterrows():
                if row["error"]:
                    lines.append(f"  {row['method']:<22} failed: {row['error']}")
                if np.isfinite(row["score"]):
                    lines.append(
                        f"  {row['method']:<22} {row['score']:6.3f} "
                        f"[{row['low']:.3f}, {row['high']:.3f}]   chance up to "
                        f"{row['chance_high']:.3f}   shuffled {row['shuffled']:6.3f}   "
                        f"{row['seconds']:6.2f} s"
                    )
        if self.files:
            lines.append(
                f"Written to {self.files[0].parent}: {', '.join(path.name for path in self.files)}"
            )
        return "\n".join(lines)


def benchmark(
    tasks: Sequence[tuple[TaskSource, int]],
    methods: Mapping[str, Any],
    out: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    reference: str = "",
    n_shifts: int = 199,
    n_jobs: int = 1,
    overwrite: bool = False,
    verbose: bool = False,
) -> BenchmarkReport:
    """
    Compare methods on tasks, write table and figures, and go on where an earlier run stopped.

    Parameters
    ----------
    tasks : sequence of (TaskSource, int)
        What to decode, with the seed that methods take on it.  A
        :class:`~tavrnn_ephys.evaluation.BenchmarkTask` is a source too.
    methods : mapping of str to callable
        By name; each takes a seed and returns something with ``fit`` and ``transform``.
        ``"rates"`` must be among them, for every score stands beside it.
    out : str or pathlib.Path
        Folder; created if it does not exist.
    settings : mapping of str to object, optional
        What the records depend on; a folder made with other settings is not continued.
    reference : str
        Method that every other one is compared with, session by session; ``"tavrnn"`` by
        default, where it takes part.
    n_shifts : int
        Circular shifts of the null.
    n_jobs : int
        Processes at work.
    overwrite : bool
        Whether records of other settings may be deleted.
    verbose : bool
        Whether progress is shown on a terminal.

    Returns
    -------
    BenchmarkReport
        The table, and what was written: ``benchmark.csv``, ``benchmark.md``, a figure of scores
        and one of cost per task.

    Raises
    ------
    InputError
        If ``rates`` or the reference is missing, or the folder holds a benchmark with other
        settings.
    """
    if "rates" not in methods:
        raise InputError("Every score stands beside rates: add the method 'rates'.")
    if reference and reference not in methods:
        raise InputError(
            f"The reference {reference!r} takes no part: the methods are {some(methods)}. Add it, "
            "or name one of these."
        )
    positive_int(n_jobs, "n_jobs")
    folder = check_folder(out, (), overwrite=overwrite)
    make_folder(folder)
    _check_settings(folder, {"n_shifts": n_shifts, **(settings or {})}, overwrite=overwrite)
    jobs = [
        Job(
            source=_told(source, name),
            method=name,
            make_method=make,
            seed=seed,
            n_shifts=n_shifts,
        )
        for source, seed in tasks
        for name, make in methods.items()
    ]
    records = run_jobs(jobs, make_folder(folder / RECORDS), n_jobs=n_jobs, verbose=verbose)
    return _write(summarize(records, reference=reference or "tavrnn"), folder)


def benchmark_simulated(
    methods: Mapping[str, Any],
    out: str | Path,
    *,
    n_seeds: int = 10,
    scenarios: Sequence[str] = _FOUR,
    n_steps: int = 100,
    latent_size: int = 8,
    measure: str = "pearson",
    **options: Any,
) -> BenchmarkReport:
    """
    Compare methods on simulated cultures with known truth, one network per seed.

    Parameters
    ----------
    methods : mapping of str to MethodEntry
        Of :func:`~tavrnn_ephys.methods.choose_methods`.
    out : str or pathlib.Path
        Folder for records, table and figures.
    n_seeds : int
        Networks per scenario.
    scenarios : sequence of str
        Some of ``SCENARIOS``; all but ``"returning"`` and ``"recognition"`` by default, all on
        the command line.
    n_steps, latent_size : int
        Budget of every method.
    measure : {"pearson", "lagged_correlation"}
        Graphs that every method gets.
    **options : object
        ``reference``, ``n_shifts``, ``n_jobs``, ``overwrite``, ``verbose`` of
        :func:`benchmark`.

    Returns
    -------
    BenchmarkReport
        The table and the files.
    """
    positive_int(n_seeds, "n_seeds")
    tasks = [
        (SimulatedSource(name=name, seed=seed, measure=measure), seed)
        for seed in range(n_seeds)
        for name in scenarios
    ]
    settings = {
        "simulated": True,
        "n_steps": n_steps,
        "latent_size": latent_size,
        "measure": measure,
    }
    return benchmark(
        tasks, _factories(methods, n_steps, latent_size), out, settings=settings, **options
    )


def benchmark_file(
    source: FileSource | Sequence[FileSource],
    methods: Mapping[str, Any],
    out: str | Path,
    *,
    n_seeds: int = 10,
    n_steps: int = 100,
    latent_size: int = 8,
    **options: Any,
) -> BenchmarkReport:
    """
    Compare methods on a recording.

    Parameters
    ----------
    source : FileSource or sequence of FileSource
        The recording and its behaviour; of several behaviours one each, which are tasks of one
        table.
    methods : mapping of str to MethodEntry
        Of :func:`~tavrnn_ephys.methods.choose_methods`.
    out : str or pathlib.Path
        Folder for records, table and figures.
    n_seeds : int
        Seeds of every method.
    n_steps, latent_size : int
        Budget of every method.
    **options : object
        ``reference``, ``n_shifts``, ``n_jobs``, ``overwrite``, ``verbose`` of
        :func:`benchmark`.

    Returns
    -------
    BenchmarkReport
        The table and the files.
    """
    positive_int(n_seeds, "n_seeds")
    sources = [source] if isinstance(source, FileSource) else list(source)
    for item in sources:
        item.load()  # A recording that cannot be read is refused before any work.
    told = repr(sources[0]) if len(sources) == 1 else list(map(repr, sources))
    settings = {"source": told, "n_steps": n_steps, "latent_size": latent_size}
    return benchmark(
        [(item, seed) for item in sources for seed in range(n_seeds)],
        _factories(methods, n_steps, latent_size),
        out,
        settings=settings,
        **options,
    )


def _told(source: TaskSource, method: str) -> TaskSource:
    """Let the oracle know the truth, and nobody else."""
    if method in ORACLES and isinstance(source, SimulatedSource):
        return replace(source, with_truth=True)
    return source


def _factories(
    methods: Mapping[str, Any], n_steps: int, latent_size: int
) -> dict[str, MethodFactory]:
    positive_int(n_steps, "n_steps")
    positive_int(latent_size, "latent_size")
    return {
        name: MethodFactory(entry=entry, n_steps=n_steps, latent_size=latent_size)
        for name, entry in methods.items()
    }


def _check_settings(folder: Path, settings: dict[str, Any], *, overwrite: bool) -> None:
    path = folder / SETTINGS
    if path.is_file():
        known = _settings_of(path)
        if known != settings and not overwrite:
            raise OutputError(
                f"'{folder}' holds a benchmark with other settings{_differing(known, settings)}, "
                "which cannot be continued. Choose another folder, or replace it: "
                "overwrite=True, on the command line --overwrite."
            )
        if known != settings:
            for record in (folder / RECORDS).glob("*.json"):
                record.unlink()
    with whole_file(path) as partial:
        about = {"settings": settings, "versions": package_versions()}
        partial.write_text(json.dumps(about, indent=2), encoding="utf-8")


def _settings_of(path: Path) -> dict[str, Any] | None:
    """Read the settings of a folder; nothing where they cannot be read."""
    try:
        known = dict(json.loads(path.read_text(encoding="utf-8"))["settings"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if known.get("simulated"):
        known.setdefault("measure", _UNTOLD)
    return known


def _differing(known: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> str:
    """Name the settings that differ from those of a folder."""
    if known is None:
        return ""
    keys = [key for key in {**known, **settings} if known.get(key) != settings.get(key)]
    named = (f"{key}: {known.get(key)} there, {settings.get(key)} here" for key in keys)
    return f" ({'; '.join(named)})"


def _write(table: pandas.DataFrame, folder: Path) -> BenchmarkReport:
    files = [folder / CSV, folder / MARKDOWN]
    with whole_file(files[0]) as partial:
        write_csv(table, partial, float_format="%.6g")
    with whole_file(files[1]) as partial:
        partial.write_text(markdown_table(table), encoding="utf-8")
    for name, draw, width in (("scores", plot_benchmark, 5.2), ("cost", plot_benchmark_cost, 5.2)):
        shown = table if name == "scores" else table[table["seconds"].notna()]
        figure = _figure(shown, draw, width) if len(shown) else None
        if figure is not None:
            files.append(folder / f"{name}.png")
            save_figure(figure, files[-1])
    return BenchmarkReport(table=table, files=tuple(files))


def _figure(table: pandas.DataFrame, draw: Any, width: float) -> Any:
    from matplotlib.figure import Figure

    tasks = [
        rows
        for _, rows in table.groupby("task", sort=False)
        if np.isfinite(rows["score"].astype(float)).any()
    ]
    if not tasks:
        return None
    n_columns = min(2, len(tasks))
    n_rows = -(-len(tasks) // n_columns)
    height = 1.2 + 0.21 * max(5, *(len(rows) for rows in tasks))
    figure = Figure(figsize=(width * n_columns, height * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for ax, rows in zip(axes, tasks, strict=False):
        draw(rows, ax=ax)
    for ax in axes[len(tasks) :]:
        ax.remove()
    handles, labels = axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(
            handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize="small"
        )
    return figure

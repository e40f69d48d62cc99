"""A run as files that other programs open: CSV, Parquet, MATLAB, GraphML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.csv_files import write_csv
from tavrnn_ephys.core.errors import InputError, OutputError
from tavrnn_ephys.core.links import behind_links
from tavrnn_ephys.core.names import EXPORTS
from tavrnn_ephys.core.output import check_output, whole_file, whole_folder
from tavrnn_ephys.core.runs import Results
from tavrnn_ephys.results.matlab import matlab_fields
from tavrnn_ephys.results.stored import open_results

if TYPE_CHECKING:
    import pandas

__all__ = ["export_results", "result_frames"]


def export_results(
    source: str | Path | Results,
    out: str | Path,
    *,
    form: str,
    run: str | None = None,
    overwrite: bool = False,
) -> Path:
    """
    Write a run as files that other programs open.

    Parameters
    ----------
    source : str, pathlib.Path or Results
        NWB file with results, or results in memory.
    out : str or pathlib.Path
        A folder for ``"csv"``, ``"parquet"`` and ``"graphml"``, a file ending in ``.mat`` for
        ``"mat"``.
    form : {"csv", "parquet", "mat", "graphml"}
        Tables of windows, nodes, connectivity, edges, embedding and further tables, as CSV or
        Parquet; all arrays in one MATLAB file; or one GraphML file for the graph of each window.
    run : str, optional
        Which run of the file; the only one, or the one named ``"default"``, by default.
    overwrite : bool
        Whether what stands at ``out`` is replaced.

    Returns
    -------
    pathlib.Path
        The folder or the file.

    Raises
    ------
    FileFormatError
        If the source holds no results.
    InputError
        If the form is unknown, there is no such run, or a package or the graphs are missing.
    OutputError
        If ``out`` exists or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import tavrnn_ephys as te
    >>> connectivity = te.ConnectivitySequence.from_array(np.ones((3, 2, 2)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = te.Results(connectivity=connectivity)
    ...     written = te.export_results(results, f"{folder}/tables", form="csv")
    ...     names = sorted(path.name for path in written.iterdir())
    >>> names
    ['connectivity.csv', 'nodes.csv', 'windows.csv']
    """
    one_of(form, EXPORTS, "form")
    target = Path(out)
    inputs = () if isinstance(source, Results) else (Path(source),)
    _check_target(target, inputs, form, overwrite)
    results = source if isinstance(source, Results) else _loaded(source, run)
    if form == "mat":
        with whole_file(target) as temporary:
            _write_mat(results, temporary)
        return target
    with whole_folder(target) as folder:
        _WRITERS[form](results, folder)
    return target


def result_frames(results: Results) -> dict[str, pandas.DataFrame]:
    """
    Give everything that a run holds as tables.

    Parameters
    ----------
    results : Results
        The run.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``windows`` and ``nodes`` with their summaries; ``connectivity`` with a row per window and
        pair, ``edges`` with a row per window and edge of the graphs, ``embedding`` with a row per
        window and node, where they are there; and the further tables by their names.

    Examples
    --------
    >>> import numpy as np
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> connectivity = ConnectivitySequence.from_array(np.ones((3, 2, 2)))
    >>> sorted(result_frames(Results(connectivity=connectivity)))
    ['connectivity', 'nodes', 'windows']
    """
    windows = results.windows.with_columns(**results.window_values)
    frames = {
        "windows": windows.to_dataframe(),
        "nodes": results.nodes.to_dataframe().assign(**results.node_values),
    }
    for name, part in (
        ("connectivity", results.connectivity),
        ("edges", results.graphs),
        ("embedding", results.embedding),
    ):
        if part is not None:
            frames[name] = part.to_dataframe()
    others = {name: getattr(table, "frame", table) for name, table in results.tables.items()}
    return {**frames, **others}


def _check_target(target: Path, inputs: tuple[Path, ...], form: str, overwrite: bool) -> None:
    target = behind_links(target)
    if form == "mat":
        check_output(target, inputs=inputs, overwrite=overwrite, suffix=".mat")
        return
    if any(target.resolve() in (path.resolve(), *path.resolve().parents) for path in inputs):
        raise OutputError(f"'{target}' holds the source itself. Name another folder.")
    if target.exists() and not target.is_dir():
        raise OutputError(f"'{target}' is a file, and a folder is needed. Name another one.")
    if target.exists() and any(target.iterdir()) and not overwrite:
        raise OutputError(
            f"The folder '{target}' is not empty. Name another one, or replace it: "
            "overwrite=True, on the command line --overwrite."
        )
    if target.exists() and overwrite and not _is_export(target, form):
        raise OutputError(
            f"The folder '{target}' holds files that no export wrote, and is not replaced. Name "
            "another one."
        )
    if not target.absolute().parent.is_dir():
        raise OutputError(f"The folder '{target.parent}' does not exist. Make it first.")


def _is_export(folder: Path, form: str) -> bool:
    return all(path.is_file() and path.suffix == f".{form}" for path in folder.iterdir())


def _loaded(source: str | Path, run: str | None) -> Results:
    with open_results(source, run=run) as stored:
        return stored.load()


def _write_csv(results: Results, folder: Path) -> None:
    for name, frame in result_frames(results).items():
        write_csv(frame, folder / f"{name}.csv")


def _write_parquet(results: Results, folder: Path) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise InputError(
            "Writing Parquet needs pyarrow. Install it: pip install 'tavrnn_ephys[parquet]'."
        ) from None
    for name, frame in result_frames(results).items():
        # What the columns mean stays with the table in the NWB file.
        plain = frame.copy()
        plain.attrs = {}
        plain.to_parquet(folder / f"{name}.parquet", index=False)


def _write_graphml(results: Results, folder: Path) -> None:
    import networkx

    for index, graph in _graphs(results):
        for _, about in graph.nodes(data=True):
            place = about.pop("position_um", ())
            about |= dict(zip(("x_um", "y_um", "z_um"), place, strict=False))
        graph.graph["start_s"], graph.graph["stop_s"] = results.windows[index]
        networkx.write_graphml(graph, folder / f"window_{index:05d}.graphml")


def _graphs(results: Results) -> Iterator[tuple[int, Any]]:
    part = results.graphs if results.graphs is not None else results.connectivity
    if part is None:
        raise InputError("This run holds neither graphs nor connectivity: nothing is a graph.")
    for index in range(len(results.windows)):
        yield index, part.to_networkx(index)


def _write_mat(results: Results, path: Path) -> None:
    from scipy.io import savemat

    with path.open("wb") as stream:
        savemat(stream, matlab_fields(results), do_compression=True, long_field_names=True)


_WRITERS: dict[str, Callable[[Results, Path], None]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
    "graphml": _write_graphml,
}

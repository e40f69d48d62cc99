"""A run in a file, read part by part."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.run_parts import RUN_PARTS
from tavrnn_ephys.core.runs import Results, RunInfo, WindowResults
from tavrnn_ephys.io.finding import results_store
from tavrnn_ephys.io.protocols import RunParts

if TYPE_CHECKING:
    import pandas

__all__ = ["StoredResults", "open_results"]


def open_results(path: str | Path, *, run: str | None = None) -> StoredResults:
    """
    Open a run of an NWB file without loading its arrays.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    run : str, optional
        The run; the only one, or the one named ``"default"``, by default.

    Returns
    -------
    StoredResults
        The run; use it in a ``with`` statement, or close it.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, or holds no results.
    InputError
        If there is no run of that name.

    Examples
    --------
    >>> import datetime, tempfile
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.block_from_arrays(counts=[[1, 0, 2, 1], [0, 1, 0, 1]], bin_size=1 * pq.s)
    >>> block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    >>> embedding = te.NodeEmbedding(
    ...     mean=np.ones((2, 2, 1)),
    ...     std=np.ones((2, 2, 1)),
    ...     windows=te.Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0]),
    ...     nodes=te.bin_activity(block.segments[0], bin_size=1 * pq.s).nodes,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recording = te.write_nwb(block, f"{folder}/culture.nwb")
    ...     path = te.write_results(recording, embedding, out=f"{folder}/results.nwb")
    ...     with te.open_results(path) as stored:
    ...         starts = stored.windows.start_s
    >>> starts.tolist()
    [0.0, 2.0]
    """
    return StoredResults(path, run=run)


class StoredResults(RunParts):
    """
    A run in an open file; each part is loaded when it is asked for.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    run : str, optional
        The run; the only one, or the one named ``"default"``, by default.

    Examples
    --------
    >>> import datetime, tempfile
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.block_from_arrays(counts=[[1, 0, 2, 1], [0, 1, 0, 1]], bin_size=1 * pq.s)
    >>> block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    >>> embedding = te.NodeEmbedding(
    ...     mean=np.ones((2, 2, 1)),
    ...     std=np.ones((2, 2, 1)),
    ...     windows=te.Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0]),
    ...     nodes=te.bin_activity(block.segments[0], bin_size=1 * pq.s).nodes,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recording = te.write_nwb(block, f"{folder}/culture.nwb")
    ...     path = te.write_results(recording, embedding, out=f"{folder}/results.nwb")
    ...     with te.open_results(path) as stored:
    ...         shape = stored.window(1).embedding_mean.shape
    >>> shape
    (2, 1)
    """

    def __init__(self, path: str | Path, *, run: str | None = None) -> None:
        self._stack = ExitStack()
        self._run = self._stack.enter_context(results_store().open_run(Path(path), run))

    def __reduce__(self) -> NoReturn:
        raise InputError(
            "StoredResults stand for an open file, which cannot be copied or sent to another "
            "process. Send the path and open it there: open_results(path)."
        )

    def __enter__(self) -> StoredResults:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    @property
    def info(self) -> RunInfo:
        """What the run consists of."""
        return self._run.info

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Every fact about the origin, by dotted key."""
        return self._run.provenance

    def part(self, name: str) -> Any:
        """
        Load one part.

        Parameters
        ----------
        name : str
            Name of the part, such as ``"embedding"``.

        Returns
        -------
        object or None
            The part; None where the run has none.

        Raises
        ------
        InputError
            If runs have no part of that name.
        """
        one_of(name, tuple(row.name for row in RUN_PARTS), "name")
        return self._run.part(name)

    @property
    def graphs(self) -> GraphSequence | None:
        """The graphs, None where they were not stored."""
        graphs: GraphSequence | None = self.part("graphs")
        return graphs

    def window(self, index: int) -> WindowResults:
        """
        Load one window and nothing of the others.

        Parameters
        ----------
        index : int
            Which window; negative ones count from the end.

        Returns
        -------
        WindowResults
            What the run says of it.

        Raises
        ------
        InputError
            If there is no such window.
        """
        return self._run.window(index)

    def load(self) -> Results:
        """
        Load everything.

        Returns
        -------
        Results
            All parts, equal to what was written.
        """
        prefix = "origin."
        return Results(
            **{row.name: self.part(row.name) for row in RUN_PARTS if row.role != "axis"},
            provenance={
                key.removeprefix(prefix): value
                for key, value in self.provenance.items()
                if key.startswith(prefix)
            },
        )

    def to_pandas(self) -> pandas.DataFrame:
        """
        Load what is known of the windows as a table.

        Returns
        -------
        pandas.DataFrame
            One row per window: limits, segment, behaviour scores, labels and summaries.
        """
        return self.windows.with_columns(**self.window_values).to_pandas()

    def __repr__(self) -> str:
        return f"StoredResults: {self.info}"

"""What is asked of a recording: its graphs, what to decode from them, and the folds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.connectivity.counts_of_windows import graphs_for_method
from tavrnn_ephys.connectivity.lagged.measure import needs_fit
from tavrnn_ephys.connectivity.surrogates import shuffle_bins_within_windows
from tavrnn_ephys.core.checks import one_of, positive_int, whole_number
from tavrnn_ephys.core.containers import BinnedActivity, ConnectivitySequence, Windows
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.evaluation.folds import BlockedFold, blocked_folds, grouped_folds
from tavrnn_ephys.statistics.time_shifts import correlation_time

__all__ = ["BenchmarkTask", "TaskGraphs", "TaskSource"]

KINDS = ("classification", "regression")


@dataclass(frozen=True, kw_only=True, eq=False)
class BenchmarkTask:
    """
    A recording, its windows, and the behaviour to decode.

    Parameters
    ----------
    name : str
        Name of the task; the sessions of one task are averaged.
    session : str
        Name of the recording, the independent unit of intervals.
    activity : BinnedActivity
        The recording.
    windows : Windows
        Its windows.
    behavior : array_like, shape (n_windows,)
        A label of each window, or a finite number.
    kind : {"classification", "regression"}
        Whether the behaviour consists of labels or of numbers.
    measure : str
        Connectivity measure.
    measure_options : mapping of str to object
        Parameters of the measure, such as ``max_lag``; durations as quantities.
    min_shift : int, optional
        Smallest shift of the null in windows; by default the correlation time of the behaviour.
    n_folds : int
        Blocks of time.
    context : int
        Windows before each test block that methods may look back on.
    coupled : numpy.ndarray of bool, shape (n_windows, n_nodes, n_nodes), optional
        Which pairs are truly coupled in each window.
    groups : array_like, shape (n_windows,), optional
        Culture, animal or session of each window: a whole group is left out at a time, in place
        of a block.
    labelled : int, optional
        Number of training windows of each fold, from the first, whose behaviour decoders may
        learn from; by default all.  Methods are fitted on all training windows, and those that
        learn from labels get the labels of these windows alone.

    Raises
    ------
    InputError
        If there is not one behaviour per window, or fewer than two windows are labelled.
    """

    name: str
    session: str
    activity: BinnedActivity
    windows: Windows
    behavior: Any
    kind: str = "classification"
    measure: str = "pearson"
    measure_options: Mapping[str, Any] = field(default_factory=dict)
    min_shift: int | None = None
    n_folds: int = 5
    context: int = 4
    coupled: NDArray[np.bool_] | None = field(default=None, repr=False)
    groups: Any = None
    labelled: int | None = None

    def __post_init__(self) -> None:
        one_of(self.kind, KINDS, "kind")
        positive_int(self.n_folds, "n_folds")
        if self.labelled is not None:
            whole_number(self.labelled, "labelled", at_least=2)
        behavior = np.asarray(self.behavior)
        if self.kind == "regression":
            behavior = behavior.astype(np.float64)
        if behavior.shape != (len(self.windows),):
            raise InputError(
                f"behavior has shape {behavior.shape} for {len(self.windows)} windows; one entry "
                "per window is needed."
            )
        object.__setattr__(self, "behavior", behavior)

    def load(self) -> BenchmarkTask:
        """
        Return the task itself, which is loaded already.

        Returns
        -------
        BenchmarkTask
            The task.
        """
        return self


class TaskSource(Protocol):
    """Something small that can be sent to another process and loads a task there."""

    @property
    def name(self) -> str:
        """Name of the task."""
        ...

    @property
    def session(self) -> str:
        """Name of the recording."""
        ...

    def load(self) -> BenchmarkTask:
        """
        Load or simulate the recording.

        Returns
        -------
        BenchmarkTask
            The task.
        """
        ...


class TaskGraphs:
    """
    Folds and graphs of a task, each computed once.

    Parameters
    ----------
    task : BenchmarkTask
        The task.
    """

    def __init__(self, task: BenchmarkTask) -> None:
        self.task = task
        self._graphs: dict[tuple[Any, ...], GraphSequence] = {}
        self._of_folds: dict[tuple[bytes, bool], ConnectivitySequence] = {}

    @cached_property
    def folds(self) -> list[BlockedFold]:
        """Blocks of time with a gap of at least the overlap of windows, or groups."""
        if self.task.groups is not None:
            return grouped_folds(self.task.groups, context=self.task.context)
        return blocked_folds(
            len(self.task.windows),
            n_folds=self.task.n_folds,
            gap=self.task.windows.overlap,
            context=self.task.context,
        )

    @cached_property
    def min_shift(self) -> int:
        """Smallest shift of the null in windows."""
        if self.task.min_shift is not None:
            return self.task.min_shift
        return max(correlation_time(self.task.behavior), self.task.windows.overlap + 1)

    @cached_property
    def connectivity(self) -> ConnectivitySequence:
        """Connectivity of the recording."""
        return self._connectivity(self.task.activity)

    @cached_property
    def shuffled_connectivity(self) -> ConnectivitySequence:
        """The same after the bins of each node are shuffled within windows."""
        return self._connectivity(self._shuffled)

    @cached_property
    def _shuffled(self) -> BinnedActivity:
        return shuffle_bins_within_windows(self.task.activity, self.task.windows, seed=0)

    @property
    def is_fitted(self) -> bool:
        """Whether the measure estimates something, which training windows alone may decide."""
        return needs_fit(self.task.measure, self.task.measure_options)

    def graphs(
        self,
        features: str,
        *,
        history_node: bool,
        shuffled: bool,
        fold: BlockedFold | None = None,
    ) -> GraphSequence:
        """
        Build the graphs that a method asks for; every weight stays, thresholds are in-fold.

        Parameters
        ----------
        features : {"weights", "identity", "rates", "counts"}
            Vertex features; ``"counts"`` are the activity of every bin of the window.
        history_node : bool
            Whether each graph has a vertex joined to all others.
        shuffled : bool
            Whether bins are shuffled within windows before.
        fold : BlockedFold, optional
            Whose training windows alone tell what the measure estimates, such as the time constant
            of a lagged correlation; by default all windows do.

        Returns
        -------
        GraphSequence
            One graph per window.
        """
        train = fold.train if fold is not None and self.is_fitted else None
        about = b"" if train is None else train.tobytes()
        key = (features, history_node, shuffled, about)
        if key not in self._graphs:
            self._graphs[key] = graphs_for_method(
                self._chosen(shuffled, train),
                self._shuffled if shuffled else self.task.activity,
                features=features,
                history_node=history_node,
            )
        return self._graphs[key]

    def _chosen(self, shuffled: bool, train: NDArray[Any] | None) -> ConnectivitySequence:
        if train is None:
            return self.shuffled_connectivity if shuffled else self.connectivity
        key = (train.tobytes(), shuffled)
        if key not in self._of_folds:
            activity = self._shuffled if shuffled else self.task.activity
            self._of_folds[key] = self._connectivity(activity, fit_windows=train)
        return self._of_folds[key]

    def _connectivity(
        self, activity: BinnedActivity, *, fit_windows: NDArray[Any] | None = None
    ) -> ConnectivitySequence:
        with warnings.catch_warnings():
            # Silent nodes are counted when a recording is analysed, not once per method.
            warnings.simplefilter("ignore", DataLossWarning)
            task = self.task
            options = dict(task.measure_options)
            if fit_windows is not None:
                options["fit_windows"] = fit_windows
            return compute_connectivity(activity, task.windows, measure=task.measure, **options)

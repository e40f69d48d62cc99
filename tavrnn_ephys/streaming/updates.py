"""What a stream says: of windows, of what happened, and of what was lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Event", "StreamError", "StreamInfo", "Update"]

from tavrnn_ephys.core.errors import TavrnnEphysError
from tavrnn_ephys.core.graph_units import GraphUnits


class StreamError(TavrnnEphysError):
    """A stream cannot go on: it fell behind, or its source changed; the message says which."""


@dataclass(frozen=True, kw_only=True)
class StreamInfo:
    """
    What a stream expects of its source.

    Parameters
    ----------
    node_ids : numpy.ndarray of str, shape (n_nodes,)
        Nodes in the order of the fit.
    bin_size_s, window_length_s, step_s : float
        Bins, windows and fitted step in seconds.  Bins are those of the fit, or of at most 1 ms
        where the fit reads lags off spike times.
    width : int
        Number of coordinates of a node; 0 until the first embedding.
    digest : str
        Digest of the model.
    units : GraphUnits
        All units of the fit.
    """

    node_ids: NDArray[np.str_]
    bin_size_s: float
    window_length_s: float
    step_s: float
    width: int
    digest: str
    units: GraphUnits = field(default_factory=GraphUnits)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.node_ids)

    @property
    def fit_bin_size_s(self) -> float:
        """Width of the bins of the fit in seconds: those of the stream, or several of them."""
        return self.units.origin.bin_size_s or self.bin_size_s


@dataclass(frozen=True, kw_only=True, eq=False)
class Update:
    """
    What a stream says of the window that ends with the last bin.

    Parameters
    ----------
    embedding, std : numpy.ndarray of float32, shape (n_nodes, width)
        Mean and standard deviation of each node; NaN where too many bins are missing.
    t_start_s, t_stop_s : float
        Limits of the window on the clock of the source.
    committed : bool
        Whether the model remembers this window: it stands at the fitted step.  Otherwise the
        embedding is provisional.
    state : {"settling", "running", "missing"}
        Fewer windows than attention reaches have been committed; all is known, as it is from the
        first window on in the profile ``"state_space"``; or more than 5 % of the bins are missing.
    n_missed_bins : int
        Number of bins of the window that are missing.
    latency_ms : float
        Time from the arrival of the last bin to this update; NaN where it was pushed by hand.
    score : float
        Probability of the state that a decoder was fitted to; NaN without one.
    window_index : int
        Number of windows committed before.
    recentred : numpy.ndarray of float32, optional
        The embedding as the decoder sees it, where the stream adapts.
    """

    embedding: NDArray[np.float32]
    std: NDArray[np.float32]
    t_start_s: float
    t_stop_s: float
    committed: bool
    state: str
    n_missed_bins: int = 0
    latency_ms: float = float("nan")
    score: float = float("nan")
    window_index: int = 0
    recentred: NDArray[np.float32] | None = None

    def __repr__(self) -> str:
        kind = "committed" if self.committed else "provisional"
        return f"Update: {self.t_start_s:.12g} s to {self.t_stop_s:.12g} s, {kind}, {self.state}"


@dataclass(frozen=True, kw_only=True)
class Event:
    """
    Something that happened on a stream, or was lost.

    Parameters
    ----------
    kind : str
        ``"gap"``, ``"restart"``, ``"late"``, ``"duplicate"``, ``"dropped"``, ``"skipped"``,
        ``"stalled"``, ``"resumed"``, ``"drift"``, ``"adapted"``, ``"trigger"``, ``"refused"``,
        ``"source"`` or ``"priority"``.
    t_s : float
        When, on the clock of the source.
    text : str
        One sentence.
    count : int
        How many bins, spikes or chunks are concerned.
    facts : dict of str to scalar
        Further facts.
    """

    kind: str
    t_s: float
    text: str
    count: int = 1
    facts: dict[str, Any] = field(default_factory=dict, compare=False)

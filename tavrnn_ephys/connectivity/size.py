"""How much memory and disk a computation takes, known before any of it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tavrnn_ephys.connectivity.sliding import FAST_MEASURES
from tavrnn_ephys.core.errors import InputError, OutputError
from tavrnn_ephys.core.learnt_windows import n_learnt
from tavrnn_ephys.core.memory import available_memory, bytes_text, free_room
from tavrnn_ephys.core.names import PROFILES, several
from tavrnn_ephys.core.temporary import temporary_folder

__all__ = [
    "MOST_IN_MEMORY",
    "Size",
    "analysis_size",
    "connectivity_size",
    "lies_in_file",
    "refuse_large_analysis",
    "refuse_size",
]

# Bytes of weights beyond which an analysis keeps them in a file: a fixed number, so that one
# recording is computed in one way on every machine.
MOST_IN_MEMORY = 2**30
# Bytes that every process that got as far as here can take: less than NumPy itself.  Asking the
# machine would take longer than the computation.
_ALWAYS_THERE = 2**24
# Measured on the imports of an analysis, with PyTorch, PyNWB and compiled loops.
_PACKAGES = 700 * 10**6
# Entries of the graphs that coherence is judged by; three times one half of each is held.
_LARGEST_STACK = 50_000_000
# Tensors of all windows, beyond which each is built when it is needed.
_MOST_TENSORS = 2**30
# Numbers per window and node: moments of posterior and prior and samples, of 8 values each, and
# while they are read out and written embedding and deviation of 16, with copies.  Measured on 900
# channels x 3481 windows.
_LATENT_VALUES = 178
# Of them those that results hold.
_STORED_VALUES = 110
# The same of eight factors: evidence of each node, embedding and deviation.  And bytes per pair of
# nodes of their loadings, uncertainty, and the sums that they come from.
_FACTOR_LATENTS, _FACTOR_BYTES = 130, 400


@dataclass(frozen=True, kw_only=True)
class Size:
    """
    What a computation takes.

    Parameters
    ----------
    n_windows, n_nodes : int
        Numbers of windows and nodes.
    memory : int
        Bytes of memory at the peak.
    disk : int
        Bytes of temporary files and results.
    """

    n_windows: int
    n_nodes: int
    memory: int
    disk: int = 0


def lies_in_file(n_windows: int, n_nodes: int, measure: Any) -> bool:
    """
    Say whether an analysis keeps connectivity in a temporary file.

    Parameters
    ----------
    n_windows, n_nodes : int
        Numbers of windows and nodes.
    measure : str or callable
        The measure; one with lags stays in memory.

    Returns
    -------
    bool
        Whether the weights take more than :data:`MOST_IN_MEMORY`.
    """
    return measure != "cross_correlation" and 8 * n_windows * n_nodes**2 > MOST_IN_MEMORY


def connectivity_size(n_windows: int, n_nodes: int, measure: Any) -> Size:
    """
    Say what connectivity in memory takes.

    Parameters
    ----------
    n_windows, n_nodes : int
        Numbers of windows and nodes.
    measure : str or callable
        The measure.

    Returns
    -------
    Size
        The size of weights and lags in double precision.

    Examples
    --------
    >>> connectivity_size(3481, 900, "pearson").memory
    22556880000
    """
    copies = 2 if measure == "cross_correlation" else 1
    memory = 8 * copies * n_windows * n_nodes**2
    return Size(n_windows=n_windows, n_nodes=n_nodes, memory=memory)


def analysis_size(
    n_windows: int,
    n_nodes: int,
    *,
    n_bins: int = 0,
    measure: Any = "pearson",
    profile: str = PROFILES[0],
) -> Size:
    """
    Predict what an analysis takes, from binned activity to written results.

    Parameters
    ----------
    n_windows, n_nodes : int
        Numbers of windows and nodes.
    n_bins : int
        Number of bins of the activity.
    measure : str or callable
        The measure.
    profile : {"state_space", "recurrent", "paper"}
        The model.

    Returns
    -------
    Size
        Peak of memory and of the disk.  `docs/measurements/analysis_memory.py` holds it against
        the peak of real analyses.
    """
    pairs = n_windows * n_nodes**2
    weights = connectivity_size(n_windows, n_nodes, measure).memory
    # Attention is a row of all windows per window.
    memory = _PACKAGES + 2 * n_nodes * n_bins + 8 * n_windows**2
    has_factors = profile == "state_space"
    values = _FACTOR_LATENTS if has_factors else _LATENT_VALUES
    latents = 4 * values * n_windows * (n_nodes + 1)
    if has_factors:
        fit = _factor_bytes(n_windows, n_nodes, measure)
    else:
        # Graphs that coherence is judged by.
        fit = 6 * min(pairs, max(_LARGEST_STACK, 8 * n_nodes**2))
    memory += max(latents, fit) + 100 * n_nodes**2
    disk = weights + 4 * _STORED_VALUES * n_windows * n_nodes
    if lies_in_file(n_windows, n_nodes, measure):
        mirrored = measure in FAST_MEASURES
        disk += weights // 2 if mirrored else weights
    else:
        # Beside the weights: edges and features in single precision, and tensors.
        memory += weights + 12 * pairs + min(8 * pairs, _MOST_TENSORS)
    return Size(n_windows=n_windows, n_nodes=n_nodes, memory=memory, disk=disk)


def _factor_bytes(n_windows: int, n_nodes: int, measure: Any) -> int:
    is_directed = measure == "lagged_correlation"
    n_pairs = n_nodes**2 if is_directed else n_nodes * (n_nodes - 1) // 2
    return 4 * n_learnt(n_windows, n_pairs) * n_pairs + _FACTOR_BYTES * n_nodes**2


def refuse_size(
    size_of: Callable[[int, int], Size],
    n_windows: int,
    n_nodes: int,
    *,
    node_kind: str,
    way_out: str = "",
) -> None:
    """
    Refuse a computation for which there is no room, and say what would help.

    Parameters
    ----------
    size_of : callable
        Gives the size for numbers of windows and nodes.
    n_windows, n_nodes : int
        What is asked for.
    node_kind : str
        What a node is, for the message.
    way_out : str
        A further way out, as a sentence.

    Raises
    ------
    InputError
        If it takes more memory or disk than there is.
    """
    size = size_of(n_windows, n_nodes)
    if size.memory <= _ALWAYS_THERE and not size.disk:
        return
    memory = available_memory()
    disk = _room_on_disk() if size.disk else 0

    def fits(windows: int, nodes: int) -> bool:
        tried = size_of(windows, nodes)
        return tried.memory <= memory and tried.disk <= (disk if size.disk else tried.disk)

    if fits(n_windows, n_nodes):
        return
    lacking = [
        f"{bytes_text(need)} of {what}, of which {bytes_text(there)} are free"
        for what, need, there in (("memory", size.memory, memory), ("disk", size.disk, disk))
        if need > there
    ]
    raise InputError(
        f"{n_windows} windows of {n_nodes} {several(node_kind)} need {' and '.join(lacking)}. "
        f"{_what_fits(fits, n_windows, n_nodes, node_kind)}{way_out}"
    )


def _room_on_disk() -> int:
    try:
        return free_room(temporary_folder(in_memory=False))
    except OutputError:
        # Whoever needs a temporary file says that there is no place for it.
        return sys.maxsize


def refuse_large_analysis(
    n_windows: int,
    n_nodes: int,
    *,
    n_bins: int,
    measure: Any,
    node_kind: str,
    profile: str = PROFILES[0],
) -> None:
    """
    Refuse an analysis for which there is no room, before the work.

    Parameters
    ----------
    n_windows, n_nodes : int
        Numbers of windows and nodes.
    n_bins : int
        Number of bins of the activity.
    measure : str or callable
        The measure.
    node_kind : str
        What a node is, for the message.
    profile : {"state_space", "recurrent", "paper"}
        The model.

    Raises
    ------
    InputError
        If it takes more memory or disk than there is; the message says how much, and what would
        help.
    """
    refuse_size(
        lambda windows, nodes: analysis_size(
            windows, nodes, n_bins=n_bins, measure=measure, profile=profile
        ),
        n_windows,
        n_nodes,
        node_kind=node_kind,
    )


def _what_fits(
    fits: Callable[[int, int], bool], n_windows: int, n_nodes: int, node_kind: str
) -> str:
    windows = _largest(lambda number: fits(number, n_nodes), n_windows)
    nodes = _largest(lambda number: fits(n_windows, number), n_nodes)
    ways = []
    if windows >= 2:
        ways.append(f"a step {-(-n_windows // windows)} times as long ({windows} windows fit)")
    if nodes >= 2:
        ways.append(f"at most {nodes} {several(node_kind)}")
    if not ways:
        return "Take a longer step and fewer nodes, or a machine with more memory."
    return f"Take {', or '.join(ways)}."


def _largest(fits: Callable[[int], bool], limit: int) -> int:
    """Find the largest number below a limit that fits, by halving; 0 where none does."""
    low, high = 0, limit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low

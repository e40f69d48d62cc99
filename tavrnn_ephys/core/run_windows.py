"""What a run says of one window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core import html as _html

__all__ = ["WindowResults"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class WindowResults:
    """
    What a run says of one window, read without the others.

    Parameters
    ----------
    index : int
        Which window.
    start_s, stop_s : float
        Its limits in seconds.
    values : mapping of str to scalar
        Behaviour scores, labels and summaries of the window.
    embedding_mean, embedding_std : numpy.ndarray, shape (n_nodes, latent_size), optional
        Embedding of each node.
    attention : numpy.ndarray, shape (n_windows,), optional
        Weights of all windows.
    weights : numpy.ndarray, shape (n_nodes, n_nodes), optional
        Connectivity.
    mean_activity : numpy.ndarray, shape (n_nodes,), optional
        Mean activity of each node.
    adjacency : scipy.sparse.csr_array, shape (n_nodes, n_nodes), optional
        Signed weights of the edges of the graph.
    """

    index: int
    start_s: float
    stop_s: float
    values: Mapping[str, Any]
    embedding_mean: NDArray[np.float32] | None = None
    embedding_std: NDArray[np.float32] | None = None
    attention: NDArray[np.float32] | None = None
    weights: NDArray[np.floating[Any]] | None = None
    mean_activity: NDArray[np.float64] | None = None
    adjacency: Any = None

    def __repr__(self) -> str:
        known = [item.name for item in fields(self)[4:] if getattr(self, item.name) is not None]
        return (
            f"WindowResults: window {self.index} from {self.start_s:g} s to {self.stop_s:g} s, "
            f"with {', '.join(known) or 'nothing'}"
        )

    def _repr_html_(self) -> str:
        values = ", ".join(f"{name} {value}" for name, value in self.values.items())
        return _html.card(repr(self), "", values)

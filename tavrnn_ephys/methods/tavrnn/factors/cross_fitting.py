"""What windows of a fit say, told by factors that were learnt without them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.methods.tavrnn.factors.fit import FactorFit
from tavrnn_ephys.methods.tavrnn.factors.network import FactorNetwork

__all__ = ["cross_fitted_evidence"]

# Blocks of windows that are left out in turn.
_N_BLOCKS = 5
# Values of standardised windows that are laid out as matrices at once.
_MOST_VALUES = 2**22


def cross_fitted_evidence(
    fit: FactorFit, network: FactorNetwork, *, n_sweeps: int, verbose: bool = False
) -> Tensor:
    """
    Tell the evidence of every window of a fit by loadings that it has not shaped.

    Factors that fit a window's noise make it differ more than later windows do, and make
    neighbours alike.  Each block of windows is therefore left out in turn, the factors are learnt
    without it, turned to those of the whole fit, and its windows are projected on them.  Windows
    that share bins with a block are left out with it.

    Parameters
    ----------
    fit : FactorFit
        A fit that has learnt.
    network : FactorNetwork
        What it has learnt.
    n_sweeps : int
        Sweeps of each fit without a block.
    verbose : bool
        Whether a progress bar is shown on a terminal.

    Returns
    -------
    torch.Tensor, shape (n_windows, n_nodes, n_factors)
        Evidence that the couplings of each node bring, as of :meth:`FactorNetwork.evidence`.

    Notes
    -----
    Cross-fitting: Chernozhukov et al. (2018), *Econom. J.* 21, C1-C68.  The turn is the orthogonal
    one of Schoenemann (1966), *Psychometrika* 31, 1-10.
    """
    windows, pairs = fit.windows, fit.windows.pairs
    learnt = pairs.taken(network.loadings)
    found = torch.zeros(len(windows), network.n_nodes, network.options.latent_size)
    blocks = np.array_split(np.arange(len(windows)), min(_N_BLOCKS, len(windows)))
    turns = blocks if len(blocks) > 1 else []
    for block in progress_bar(turns, what="leaving out", unit="block", verbose=verbose):
        part = fit.without(_held(block, len(windows), windows.overlap))
        for _ in range(n_sweeps):
            part.sweep()
        loadings = pairs.laid_out(_turned(part.loadings.mean, learnt))
        size = max(1, _MOST_VALUES // network.n_nodes**2)
        for first in range(0, len(block), size):
            some = block[first : first + size]
            said = network.gathered(part.windows.standardized(some.tolist()), loadings)
            found[some] = torch.from_numpy(said).float()
    return found


def _held(block: NDArray[np.int64], n_windows: int, overlap: int) -> NDArray[np.bool_]:
    """Mark a block and the windows that overlap it, or the block alone if none were left."""
    held = np.zeros(n_windows, dtype=bool)
    held[max(block[0] - overlap, 0) : block[-1] + 1 + overlap] = True
    if held.all():
        held[:] = False
        held[block] = True
    return held


def _turned(loadings: Tensor, onto: Tensor) -> Tensor:
    """Turn factors, as a whole, to where they agree best with others."""
    left, _, right = torch.linalg.svd((onto @ loadings.T).double())
    return (left @ right).to(loadings) @ loadings

"""What windows of a fit say, told by factors that were learnt without them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tavrnn_ephys.methods.tavrnn.factors.fit import FactorFit

__all__ = ["cross_fitted_evidence"]

# Blocks of windows that are left out in turn, and sweeps of each fit without one.
_N_BLOCKS, _N_SWEEPS = 5, 8
# Values of standardised windows that are laid out as matrices at once.
_MOST_VALUES = 2**22


def cross_fitted_evidence(fit: FactorFit) -> Tensor:
    """
    Tell the evidence of every window of a fit by loadings that it has not shaped.

    Factors that fit a window's noise make it differ more than later windows do, and make
    neighbours alike.  Each block of windows is therefore left out in turn, the factors are learnt
    without it, turned to those of the whole fit, and its windows are projected on them.

    Parameters
    ----------
    fit : FactorFit
        A fit that has learnt.

    Returns
    -------
    torch.Tensor, shape (n_windows, n_nodes, n_factors)
        Evidence that the couplings of each node bring, as of :meth:`FactorNetwork.evidence`.

    Notes
    -----
    Cross-fitting: Chernozhukov et al. (2018), *Econom. J.* 21, C1-C68.  The turn is the orthogonal
    one of Schoenemann (1966), *Psychometrika* 31, 1-10.
    """
    network, windows = fit.network, fit.windows
    found = torch.zeros(len(windows), network.n_nodes, network.options.latent_size)
    blocks = np.array_split(np.arange(len(windows)), min(_N_BLOCKS, len(windows)))
    for block in blocks if len(blocks) > 1 else []:
        held = np.zeros(len(windows), dtype=bool)
        held[block] = True
        part = fit.without(held)
        for _ in range(_N_SWEEPS):
            part.sweep()
        loadings = _turned(part.network.loadings, network.loadings)
        size = max(1, _MOST_VALUES // network.n_nodes**2)
        for first in range(0, len(block), size):
            some = block[first : first + size]
            said = network.gathered(part.windows.standardized(some.tolist()), loadings)
            found[some] = torch.from_numpy(said).float()
    return found


def _turned(loadings: Tensor, onto: Tensor) -> Tensor:
    """Turn factors, as a whole, to where they agree best with others."""
    flat, wanted = loadings.flatten(1), onto.flatten(1)
    left, _, right = torch.linalg.svd((wanted @ flat.T).double())
    return ((left @ right).to(flat) @ flat).reshape(onto.shape)

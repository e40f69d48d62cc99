"""Low-rank bilinear read-out of graphs, learnt from labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int, positive_number
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import dense_weights, of_every_node
from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["BilinearLogistic"]


class BilinearLogistic(GraphEmbedder):
    """
    Logistic regression of labels on ``uᵀ (A - M) v`` with few pairs of ``u`` and ``v`` [1]_.

    Supervised: what it decodes stands beside CEBRA-Behavior, not beside methods without labels.
    Labels that are numbers of many values are regressed by least squares.

    Parameters
    ----------
    latent_size : int
        Number of pairs: the rank of the read-out.
    penalty : float
        Weight of the squared norms of ``u`` and ``v``.
    n_steps : int
        Optimizer steps.
    seed : int
        Seed of the first ``u`` and ``v``.

    Attributes
    ----------
    mean_, scale_ : numpy.ndarray, shape (n_nodes, n_nodes), and float
        Mean graph of the training windows, and the deviation around it.
    sources_, targets_ : numpy.ndarray, shape (latent_size, n_nodes)
        ``u`` and ``v``.
    history_ : list of float
        Loss of each step.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.

    References
    ----------
    .. [1] Dyrholm, Christoforou & Parra (2007), Journal of Machine Learning Research 8, 1097-1111.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> weights = np.random.default_rng(0).uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights, directed=True))
    >>> method = BilinearLogistic(latent_size=2, n_steps=3).fit(graphs, [0, 1, 0, 1, 0, 1])
    >>> method.transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 2, without attention
    """

    name = "bilinear"
    supervision = "label"
    takes_directed = True

    def __init__(
        self, *, latent_size: int = 8, penalty: float = 0.01, n_steps: int = 200, seed: int = 0
    ) -> None:
        self.latent_size = latent_size
        self.penalty = penalty
        self.n_steps = n_steps
        self.seed = seed

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        import torch

        rank, n_steps = positive_int(self.latent_size, "latent_size"), self.n_steps
        penalty = positive_number(self.penalty, "penalty", or_zero=True)
        positive_int(n_steps, "n_steps")
        dense = np.concatenate([dense_weights(sequence) for sequence in sequences])
        self.mean_ = dense.mean(axis=0)
        self.scale_ = float(dense.std(axis=0).mean()) or 1.0
        graphs = torch.from_numpy((dense - self.mean_) / self.scale_)
        target, n_outputs, loss_of = _targets(np.asarray(labels))
        random = torch.Generator().manual_seed(self.seed)
        n_nodes = dense.shape[1]
        shapes = ((rank, n_nodes), (rank, n_nodes), (rank, n_outputs), (n_outputs,))
        parts = [torch.randn(shape, generator=random) / n_nodes**0.5 for shape in shapes]
        for part in parts:
            part.requires_grad_()
        optimizer = torch.optim.Adam(parts, lr=0.03)
        self.history_: list[float] = []
        for _ in range(n_steps):
            optimizer.zero_grad()
            sources, targets, readout, offset = parts
            scores = torch.einsum("ki,tij,kj->tk", sources, graphs, targets)
            loss = loss_of(scores @ readout + offset, target)
            norms = sources.square().sum() + targets.square().sum() + readout.square().sum()
            (loss + penalty * norms).backward()
            optimizer.step()
            self.history_.append(float(loss.detach()))
        self.sources_, self.targets_ = (part.detach().numpy() for part in parts[:2])

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        centred = (dense_weights(graphs) - self.mean_) / self.scale_
        scores = np.einsum("ki,tij,kj->tk", self.sources_, centred, self.targets_, optimize=True)
        return of_every_node(scores, graphs.n_nodes)


def _targets(labels: NDArray[Any]) -> tuple[Any, int, Any]:
    import torch

    names, codes = np.unique(labels, return_inverse=True)
    if labels.dtype.kind == "f" and len(names) > max(10, len(labels) // 4):
        values = (labels - labels.mean()) / (labels.std() or 1.0)
        target = torch.from_numpy(values.astype(np.float32))[:, None]
        return target, 1, torch.nn.functional.mse_loss
    return torch.from_numpy(codes.reshape(-1)), len(names), torch.nn.functional.cross_entropy

"""Vectors of nodes: their directions, and how far two clouds are from each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def unit_vectors(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale vectors to length 1; one without length stays zero, one that is not known stays NaN."""
    length = np.linalg.norm(points, axis=-1, keepdims=True)
    # Compared this way round, so that NaN is not taken for a vector without length.
    return np.where(length <= 1e-12, 0.0, points / np.maximum(length, 1e-12))


def procrustes(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """‖S_a^½ − S_b^½ R‖ at the best R: tr S_a + tr S_b − 2 Σ singular values of S_a^½ S_b^½."""
    roots = []
    for part in (a, b):
        values, vectors = np.linalg.eigh(part.swapaxes(1, 2) @ part / part.shape[1])
        lengths = np.sqrt(np.maximum(values, 0.0))
        roots.append((vectors * lengths[:, np.newaxis]) @ vectors.swapaxes(1, 2))
    shared = np.linalg.svd(roots[0] @ roots[1], compute_uv=False).sum(axis=1)
    total = np.square(roots).sum(axis=(0, 2, 3)) - 2 * shared
    return np.asarray(np.sqrt(np.maximum(total, 0.0)))

"""TAVRNN as an estimator of scikit-learn's kind."""

from tavrnn_ephys.estimator.tavrnn import TAVRNN, OnlineState

__all__ = ["TAVRNN", "OnlineState"]

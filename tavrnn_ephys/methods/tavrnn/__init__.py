"""TAVRNN as an estimator of scikit-learn's kind."""

from tavrnn_ephys.methods.tavrnn.estimator import TAVRNN, OnlineState

__all__ = ["TAVRNN", "OnlineState"]

"""Lagged correlation at the resolution of spikes: who fires behind whom, and by how much."""

from tavrnn_ephys.connectivity.lagged.estimation import estimate_lag_kernel as estimate_lag_kernel
from tavrnn_ephys.connectivity.lagged.kernels import LagKernel as LagKernel
from tavrnn_ephys.connectivity.lagged.running import RunningLagSums as RunningLagSums

"""Functional connectivity per window, through Elephant, and what of it is more than chance."""

from tavrnn_ephys.connectivity.counts_of_windows import with_counts as with_counts
from tavrnn_ephys.connectivity.lagged import LagKernel as LagKernel
from tavrnn_ephys.connectivity.lagged import RunningLagSums as RunningLagSums
from tavrnn_ephys.connectivity.lagged import estimate_lag_kernel as estimate_lag_kernel
from tavrnn_ephys.connectivity.noise import clean_marchenko_pastur as clean_marchenko_pastur
from tavrnn_ephys.connectivity.noise import (
    clean_marchenko_pastur_paper as clean_marchenko_pastur_paper,
)
from tavrnn_ephys.connectivity.noise import marchenko_pastur_bounds as marchenko_pastur_bounds
from tavrnn_ephys.connectivity.sequence import compute_connectivity as compute_connectivity
from tavrnn_ephys.connectivity.sequence import iter_connectivity as iter_connectivity
from tavrnn_ephys.connectivity.significance import ConnectivityNull as ConnectivityNull
from tavrnn_ephys.connectivity.significance import SignificanceThreshold as SignificanceThreshold
from tavrnn_ephys.connectivity.thresholds import AbsoluteThreshold as AbsoluteThreshold
from tavrnn_ephys.connectivity.thresholds import DensityThreshold as DensityThreshold
from tavrnn_ephys.connectivity.thresholds import StrongestThreshold as StrongestThreshold

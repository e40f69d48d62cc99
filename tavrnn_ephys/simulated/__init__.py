"""Simulated recordings whose coupling changes gradually, and what a camera sees of them."""

from tavrnn_ephys.simulated.calcium import calcium_traces as calcium_traces
from tavrnn_ephys.simulated.mixing import MixingTruth as MixingTruth
from tavrnn_ephys.simulated.mixing import simulate_mixture as simulate_mixture
from tavrnn_ephys.simulated.paths import drift_path as drift_path
from tavrnn_ephys.simulated.paths import learning_path as learning_path

"""Simulated recordings whose coupling changes gradually, and what a camera sees of them."""

from tavrnn_ephys.datasets.simulated.calcium import calcium_traces as calcium_traces
from tavrnn_ephys.datasets.simulated.mixing import MixingTruth as MixingTruth
from tavrnn_ephys.datasets.simulated.mixing import simulate_mixture as simulate_mixture
from tavrnn_ephys.datasets.simulated.network import NetworkRecipe as NetworkRecipe
from tavrnn_ephys.datasets.simulated.network import NetworkTruth as NetworkTruth
from tavrnn_ephys.datasets.simulated.network import simulate_network as simulate_network
from tavrnn_ephys.datasets.simulated.paths import drift_path as drift_path
from tavrnn_ephys.datasets.simulated.paths import learning_path as learning_path

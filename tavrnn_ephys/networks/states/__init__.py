"""Discrete states of a network: how many there are, when each holds, and what sets it apart."""

from tavrnn_ephys.networks.states.differences import StateDifferences as StateDifferences
from tavrnn_ephys.networks.states.differences import state_differences as state_differences
from tavrnn_ephys.networks.states.model import NetworkStates as NetworkStates
from tavrnn_ephys.networks.states.model import network_states as network_states
from tavrnn_ephys.networks.states.selection import StateEvidence as StateEvidence

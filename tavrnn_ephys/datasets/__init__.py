"""Recordings to try things on: where they lie, what they may be used for, and whom to cite."""

from tavrnn_ephys.datasets.fetching import available as available
from tavrnn_ephys.datasets.fetching import fetch as fetch
from tavrnn_ephys.datasets.loading import load as load
from tavrnn_ephys.datasets.loading import load_or_simulate as load_or_simulate
from tavrnn_ephys.datasets.registry import Dataset as Dataset
from tavrnn_ephys.datasets.registry import DatasetFile as DatasetFile
from tavrnn_ephys.datasets.registry import cite as cite
from tavrnn_ephys.datasets.stand_ins import simulated_stand_in as simulated_stand_in

"""Methods beside TAVRNN, one file each, behind the same ``fit`` and ``transform``."""

from tavrnn_ephys.baselines.uase import UASE as UASE

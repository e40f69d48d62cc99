"""Where windows start and stop: the only place for such arithmetic."""

from tavrnn_ephys.activity.windows.bins import bin_ranges as bin_ranges
from tavrnn_ephys.activity.windows.holding import window_means as window_means
from tavrnn_ephys.activity.windows.markers import epoch_windows as epoch_windows
from tavrnn_ephys.activity.windows.markers import event_windows as event_windows
from tavrnn_ephys.activity.windows.markers import label_windows as label_windows
from tavrnn_ephys.activity.windows.sliding import sliding_windows as sliding_windows

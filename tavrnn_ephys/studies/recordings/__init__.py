"""Several recordings compared, each culture counting once."""

from tavrnn_ephys.studies.recordings.comparing import compare_files as compare_files
from tavrnn_ephys.studies.recordings.config import Comparison as Comparison
from tavrnn_ephys.studies.recordings.config import ComparisonConfig as ComparisonConfig

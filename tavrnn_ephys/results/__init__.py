"""Results in files: written, listed, read, compared, deleted, and as objects of Neo."""

from tavrnn_ephys.results.comparison import RunComparison, compare_runs
from tavrnn_ephys.results.export import export_results, result_frames
from tavrnn_ephys.results.files import delete_runs, list_runs, read_results, write_results
from tavrnn_ephys.results.neo_objects import results_to_neo
from tavrnn_ephys.results.stored import StoredResults, open_results
from tavrnn_ephys.results.summaries import summarize

__all__ = [
    "RunComparison",
    "StoredResults",
    "compare_runs",
    "delete_runs",
    "export_results",
    "list_runs",
    "open_results",
    "read_results",
    "result_frames",
    "results_to_neo",
    "summarize",
    "write_results",
]

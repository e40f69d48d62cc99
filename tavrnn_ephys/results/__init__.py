"""Results in files: written, listed, read, compared, deleted, and as objects of Neo."""

from tavrnn_ephys.results.comparison import RunComparison, compare_runs
from tavrnn_ephys.results.files import delete_runs, list_runs, read_results, write_results
from tavrnn_ephys.results.neo_objects import results_to_neo
from tavrnn_ephys.results.stored import StoredResults, open_results
from tavrnn_ephys.results.summaries import summarize

__all__ = [
    "RunComparison",
    "StoredResults",
    "compare_runs",
    "delete_runs",
    "list_runs",
    "open_results",
    "read_results",
    "results_to_neo",
    "summarize",
    "write_results",
]

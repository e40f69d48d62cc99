"""Many independent jobs: resumable, in one process or several, unstopped by one that fails."""

from tavrnn_ephys.core.jobs.computing import computed as computed
from tavrnn_ephys.core.jobs.executors import Executor as Executor
from tavrnn_ephys.core.jobs.executors import ProcessExecutor as ProcessExecutor
from tavrnn_ephys.core.jobs.executors import SerialExecutor as SerialExecutor
from tavrnn_ephys.core.jobs.executors import executor_for as executor_for
from tavrnn_ephys.core.jobs.job import Job as Job
from tavrnn_ephys.core.jobs.job import job_key as job_key
from tavrnn_ephys.core.jobs.job import record_of as record_of
from tavrnn_ephys.core.jobs.running import iter_jobs as iter_jobs
from tavrnn_ephys.core.jobs.running import read_records as read_records
from tavrnn_ephys.core.jobs.running import run_jobs as run_jobs

"""Studies of many recordings: planned, run anywhere, resumed, reported."""

from tavrnn_ephys.studies.cohort.cohort import Cohort as Cohort
from tavrnn_ephys.studies.cohort.dask_engine import DaskEngine as DaskEngine
from tavrnn_ephys.studies.cohort.dask_engine import connected as connected
from tavrnn_ephys.studies.cohort.engines import LocalEngine as LocalEngine
from tavrnn_ephys.studies.cohort.engines import SerialEngine as SerialEngine
from tavrnn_ephys.studies.cohort.keys import KEYS as KEYS
from tavrnn_ephys.studies.cohort.manifest import Entry as Entry
from tavrnn_ephys.studies.cohort.manifest import read_manifest as read_manifest
from tavrnn_ephys.studies.cohort.plan import Plan as Plan
from tavrnn_ephys.studies.cohort.plan import make_plan as make_plan
from tavrnn_ephys.studies.cohort.plan import read_plan as read_plan
from tavrnn_ephys.studies.cohort.report import StudyTables as StudyTables
from tavrnn_ephys.studies.cohort.running import Status as Status

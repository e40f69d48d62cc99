"""The benchmark as one command: recordings or simulations in, tables and figures out."""

from tavrnn_ephys.studies.benchmark.recorded import FileSource as FileSource
from tavrnn_ephys.studies.benchmark.running import BenchmarkReport as BenchmarkReport
from tavrnn_ephys.studies.benchmark.running import MethodFactory as MethodFactory
from tavrnn_ephys.studies.benchmark.running import benchmark as benchmark
from tavrnn_ephys.studies.benchmark.running import benchmark_file as benchmark_file
from tavrnn_ephys.studies.benchmark.running import benchmark_simulated as benchmark_simulated
from tavrnn_ephys.studies.benchmark.simulated import SCENARIOS as SCENARIOS
from tavrnn_ephys.studies.benchmark.simulated import SimulatedSource as SimulatedSource

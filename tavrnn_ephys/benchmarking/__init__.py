"""The benchmark as one command: recordings or simulations in, tables and figures out."""

from tavrnn_ephys.benchmarking.recorded import FileSource as FileSource
from tavrnn_ephys.benchmarking.running import BenchmarkReport as BenchmarkReport
from tavrnn_ephys.benchmarking.running import MethodFactory as MethodFactory
from tavrnn_ephys.benchmarking.running import benchmark as benchmark
from tavrnn_ephys.benchmarking.running import benchmark_file as benchmark_file
from tavrnn_ephys.benchmarking.running import benchmark_simulated as benchmark_simulated
from tavrnn_ephys.benchmarking.simulated import SCENARIOS as SCENARIOS
from tavrnn_ephys.benchmarking.simulated import SimulatedSource as SimulatedSource

"""The command line: ``tavrnn-ephys`` and its commands, one module each."""

from tavrnn_ephys.cli.program import build_parser as build_parser
from tavrnn_ephys.cli.program import main as main

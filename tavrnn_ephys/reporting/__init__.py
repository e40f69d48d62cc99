"""A run as one page that needs nothing else: collected, drawn, written."""

from tavrnn_ephys.reporting.writing import report

__all__ = ["report"]

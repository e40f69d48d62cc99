"""Bin, window and step that suit a recording, and checks of those that were chosen."""

from tavrnn_ephys.studies.advice.checks import check_choice as check_choice
from tavrnn_ephys.studies.advice.completing import check_choices as check_choices
from tavrnn_ephys.studies.advice.completing import completed as completed
from tavrnn_ephys.studies.advice.suggestion import Suggestion as Suggestion
from tavrnn_ephys.studies.advice.suggestion import suggest as suggest

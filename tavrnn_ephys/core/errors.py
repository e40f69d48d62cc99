"""Exceptions and warnings of the package: few, typed, each with one clear sentence."""

__all__ = [
    "ChanceLossWarning",
    "ChoiceWarning",
    "DataLossWarning",
    "FileFormatError",
    "InputError",
    "MissingDependencyError",
    "OutputError",
    "TavrnnEphysError",
]


class TavrnnEphysError(Exception):
    """Base of all errors that the package raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """Show notebooks the sentence alone; where it was raised says nothing more."""
        return [f"{type(self).__name__}: {self}"]


class InputError(TavrnnEphysError, ValueError):
    """A value, an option or the content of a recording breaks a rule that the message names."""


class FileFormatError(InputError):
    """A file is missing, damaged, or not what its name or content claims."""


class OutputError(InputError):
    """A result may not be written where it was asked for."""


class MissingDependencyError(TavrnnEphysError, ImportError):
    """An optional package is absent; the message says what to install."""


class DataLossWarning(UserWarning):
    """Part of the input does not enter the result; the message says how much and why."""


class ChanceLossWarning(UserWarning):
    """A model ended at the loss of a model that has learnt nothing."""


class ChoiceWarning(UserWarning):
    """A choice leaves an answer weak or open; the message gives the number and a way out."""

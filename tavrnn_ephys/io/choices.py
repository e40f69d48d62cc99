"""What a reader chose where several things could be meant, and how to choose otherwise."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import DataLossWarning

if TYPE_CHECKING:
    import neo

__all__ = ["Choice", "choices_of", "note_choice"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """
    One choice among several things of a file.

    Parameters
    ----------
    what : str
        What is chosen, in the singular, such as ``"ROI series"``.
    chosen : str
        Name of what was taken.
    candidates : tuple of str
        Names of everything that could have been taken.
    reason : str
        Why this one, as the end of a sentence that begins with "because".
    option : str
        How to choose otherwise, such as ``"series=NAME"``.
    guessed : bool
        Whether it is a guess, and not what the format gives a meaning to.
    """

    what: str
    chosen: str
    candidates: tuple[str, ...]
    reason: str
    option: str
    guessed: bool = True

    def sentence(self, file_name: str) -> str:
        """
        Say what was chosen, why, and how to choose otherwise.

        Parameters
        ----------
        file_name : str
            Name of the file.

        Returns
        -------
        str
            The sentences.
        """
        return (
            f"'{file_name}' holds {len(self.candidates)} {self.what} ({some(self.candidates)}); "
            f"'{self.chosen}' is taken, because {self.reason}. Choose another: {self.option}, on "
            f"the command line --option {self.option}."
        )

    def line(self) -> str:
        """
        Describe the choice for a list.

        Returns
        -------
        str
            One line: what was taken, all candidates and the reason.
        """
        return (
            f"{self.what}: '{self.chosen}' of {some(self.candidates, limit=12)}, because "
            f"{self.reason}; others by --option {self.option}"
        )


def note_choice(block: neo.Block, choice: Choice, *, file_name: str, stacklevel: int = 4) -> None:
    """
    Keep a choice with the recording, and announce it if it is a guess.

    Parameters
    ----------
    block : neo.Block
        The recording; its annotation ``choices`` grows.
    choice : Choice
        The choice.
    file_name : str
        Name of the file.
    stacklevel : int
        Of the warning.

    Warns
    -----
    DataLossWarning
        If the choice is a guess.
    """
    block.annotations.setdefault("choices", []).append(
        {**asdict(choice), "candidates": list(choice.candidates)}
    )
    if choice.guessed:
        warnings.warn(choice.sentence(file_name), DataLossWarning, stacklevel=stacklevel)


def choices_of(block: neo.Block) -> tuple[Choice, ...]:
    """
    List what the reader of a recording chose.

    Parameters
    ----------
    block : neo.Block
        The recording.

    Returns
    -------
    tuple of Choice
        In the order in which they were made; empty where there was nothing to choose.
    """
    noted: list[dict[str, Any]] = block.annotations.get("choices", [])
    return tuple(Choice(**{**item, "candidates": tuple(item["candidates"])}) for item in noted)

"""The sentences of a run, collected: at most five, the last one what cannot be said."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tavrnn_ephys.results.answer.judging import claims_of
from tavrnn_ephys.results.answer.makers import MAKERS
from tavrnn_ephys.results.answer.quoting import Sentence, Tables

if TYPE_CHECKING:
    import pandas

__all__ = ["MOST_SENTENCES", "Answer", "answer_of_tables"]

MOST_SENTENCES = 5


@dataclass(frozen=True, kw_only=True)
class Answer:
    """
    What a run answers, in plain words.

    Parameters
    ----------
    sentences : tuple of Sentence
        At most five, each with the cells that its numbers are from.
    """

    sentences: tuple[Sentence, ...]

    def __len__(self) -> int:
        return len(self.sentences)

    def __iter__(self) -> Iterator[Sentence]:
        return iter(self.sentences)

    def __getitem__(self, index: int) -> Sentence:
        return self.sentences[index]

    def __str__(self) -> str:
        return "\n".join(sentence.text for sentence in self.sentences)

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{html.escape(sentence.text)}</li>" for sentence in self.sentences)
        return f"<ol>{items}</ol>"

    def holds(self, tables: Tables) -> bool:
        """
        Say whether every number of every sentence is that of its table.

        Parameters
        ----------
        tables : mapping of str to pandas.DataFrame
            Tables of the run.

        Returns
        -------
        bool
            False if one of them changed.
        """
        return all(sentence.holds(tables) for sentence in self.sentences)

    def to_dataframe(self) -> pandas.DataFrame:
        """
        Return the sentences as a table.

        Returns
        -------
        pandas.DataFrame
            One row per sentence: ``topic`` and ``sentence``.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "topic": [sentence.topic for sentence in self.sentences],
                "sentence": [sentence.text for sentence in self.sentences],
            }
        )


def answer_of_tables(tables: Tables) -> Answer:
    """
    Answer from the tables of a run.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables by name, such as ``change_network`` and ``behavior_decoding``.

    Returns
    -------
    Answer
        At most five sentences.

    Examples
    --------
    >>> print(answer_of_tables({}))
    Whether the network changed cannot be said: too few windows share no time.
    What causes what cannot be said, and no behaviour was asked for.
    """
    claims = claims_of(tables)
    made = [(maker.rank, maker.make(claims)) for maker in MAKERS]
    found = [(rank, sentence) for rank, sentence in made if sentence is not None]
    # Where there are too many, the least important go; the order of the others stays.
    kept = sorted(rank for rank, _ in found)[:MOST_SENTENCES]
    return Answer(sentences=tuple(sentence for rank, sentence in found if rank in kept))

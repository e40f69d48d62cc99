"""The answer of a run: at most five sentences, each made from numbers of its tables."""

from tavrnn_ephys.results.answer.answering import Answer, answer_of_tables
from tavrnn_ephys.results.answer.quoting import Number, Sentence, Tables

__all__ = ["Answer", "Number", "Sentence", "Tables", "answer_of_tables"]

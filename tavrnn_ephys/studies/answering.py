"""The answer of an analysis: the tables that it is made from, and its sentences."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.runs import Results, ResultTable
from tavrnn_ephys.results import StoredResults
from tavrnn_ephys.results.answer import Answer, answer_of_tables
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.change import change_tables
from tavrnn_ephys.studies.run import tables_of

if TYPE_CHECKING:
    import pandas

__all__ = ["answer", "answer_tables", "stored_answer"]


def answer(result: AnalysisResult | Results | StoredResults) -> Answer:
    """
    Say in at most five sentences what an analysis found.

    Parameters
    ----------
    result : AnalysisResult, Results or StoredResults
        An analysis, or a run of a file.

    Returns
    -------
    Answer
        Whether the network changed, when and which nodes carry it, how much of it mean rates
        explain, which states it has, whether it goes with the behaviour, and what cannot be said.
        Every number is that of a cell of the run's tables.

    Raises
    ------
    InputError
        If it is neither.

    Notes
    -----
    What is tested: whether the network changed, against random orders of windows that share no
    time (:func:`tavrnn_ephys.statistics.association.order.order_in_time`); whether it goes with
    each of the behaviours, against circular shifts in time; and, where states were looked for,
    whether there are several, against surrogates that keep rates.  Together these questions claim
    something in at most 5 % of recordings in which there is nothing.

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.simulate_culture(n_nodes=20, duration=60 * pq.s, mean_rate_hz=20.0, seed=1)
    >>> config = te.AnalysisConfig(
    ...     bin_size_s=0.05, window_length_s=2.0, step_s=1.0, min_spikes=1, training_epochs=1
    ... )
    >>> [sentence.topic for sentence in te.answer(te.analyze(block, config))]
    ['change', 'limits']
    """
    if isinstance(result, AnalysisResult):
        return answer_of_tables(answer_tables(result))
    if isinstance(result, Results | StoredResults):
        frames = {name: getattr(table, "frame", table) for name, table in result.tables.items()}
        return answer_of_tables(frames)
    raise InputError(
        f"answer takes an AnalysisResult, Results or StoredResults, got {type(result).__name__}."
    )


def answer_tables(result: AnalysisResult) -> dict[str, pandas.DataFrame]:
    """
    Give the tables that an answer is made from.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.

    Returns
    -------
    dict of str to pandas.DataFrame
        Whether the network changed, and the tables of the link to a behaviour and of states where
        there are any.
    """
    if result.change is None:
        result = dataclasses.replace(result, change=change_tables(result))
    return tables_of(result)


def stored_answer(tables: dict[str, Any]) -> dict[str, ResultTable]:
    """
    Give the tables of a run with the answer in front, each column described.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        As :func:`answer_tables` gives them.

    Returns
    -------
    dict of str to ResultTable
        ``answer``, then the tables.
    """
    found = answer_of_tables(tables)
    said = ResultTable(
        frame=found.to_dataframe(),
        description=str(found).replace("\n", " "),
        columns={"topic": "What the sentence is about.", "sentence": "The sentence."},
    )
    others = {
        name: ResultTable(
            frame=table,
            description=table.attrs["description"],
            columns={key: text for key, text in table.attrs["columns"].items() if key in table},
        )
        for name, table in tables.items()
        if len(table)
    }
    return {"answer": said, **others}

"""What an embedding says of a behaviour beside mean rates, and what both say alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from tavrnn_ephys.evaluation import FoldFeatures, variance_partition

if TYPE_CHECKING:
    import pandas

__all__ = ["DESCRIPTIONS", "partitioned"]

_PARTS = {
    "unique_rates": "unique_first",
    "unique_embedding": "unique_second",
    "shared": "shared",
    "control": "control",
}
_TEXTS = {
    "unique_rates": "Score of both less that of the embedding: what mean rates alone say",
    "unique_embedding": "Score of both less that of mean rates: what the embedding alone says",
    "shared": "Scores of rates and embedding less that of both and less chance: what both say",
    "control": "The same as unique_embedding for the embedding of bins shuffled within windows",
}
DESCRIPTIONS = {
    "embedding": "What stands beside mean rates.",
    "rates_score": "Score of mean rates, in folds of time.",
    "embedding_score": "Score of the embedding, in folds of time.",
    "joined_score": "Score of both; the weight of each is chosen inside the training windows.",
    **{name: f"{text}." for name, text in _TEXTS.items()},
    **{
        f"{name}_{end}": f"{text}; {side} limit of the 95 % interval over blocks of time."
        for name, text in _TEXTS.items()
        for end, side in (("low", "lower"), ("high", "upper"))
    },
}


def partitioned(
    rates: Sequence[FoldFeatures],
    embeddings: Mapping[str, Sequence[Sequence[FoldFeatures]]],
    behavior: NDArray[Any],
) -> pandas.DataFrame:
    """
    Partition what rates and each embedding say of a behaviour.

    Parameters
    ----------
    rates : sequence of FoldFeatures
        Mean rates.
    embeddings : mapping of str to sequence
        By name, features of an embedding and those of bins shuffled within windows.
    behavior : numpy.ndarray, shape (n_windows,)
        Codes of labels as whole numbers, or numbers as floating point.

    Returns
    -------
    pandas.DataFrame
        One row per embedding; columns as in ``DESCRIPTIONS``, and ``metric``.
    """
    import pandas as pd

    rows = []
    for name, (embedding, control) in embeddings.items():
        found = variance_partition(rates, embedding, behavior, control=control)
        row: dict[str, Any] = {
            "embedding": name,
            "metric": found.metric,
            "rates_score": found.first.value,
            "embedding_score": found.second.value,
            "joined_score": found.joined.value,
        }
        for column, part in _PARTS.items():
            share = getattr(found, part)
            row |= {column: share.value, f"{column}_low": share.low, f"{column}_high": share.high}
        rows.append(row)
    return pd.DataFrame(rows)

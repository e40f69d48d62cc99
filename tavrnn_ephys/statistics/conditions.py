"""Any number of conditions, between cultures or within them, by permutation of what is free."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int, some
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.statistics.discoveries import q_values
from tavrnn_ephys.statistics.nulls import Null
from tavrnn_ephys.statistics.resampling import arrangements, n_arrangements

if TYPE_CHECKING:
    import pandas

__all__ = ["OMNIBUS_DESCRIPTIONS", "Design", "condition_effects", "design_of"]

OMNIBUS_DESCRIPTIONS = {
    "measure": "What is compared.",
    "conditions": "The conditions, by name.",
    "n_cultures": "Number of cultures.",
    "is_within": "Whether every culture has every condition, and conditions move within cultures.",
    "f_value": "F over conditions; of two conditions the square of t.",
    "p_value": "Permutation test: conditions over cultures, or within each culture.",
    "q_value": "Benjamini-Hochberg over the rows of the table.",
    "smallest_p": "Smallest p-value that so many arrangements can give.",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """
    What is compared, one row per culture, or per culture and condition.

    Parameters
    ----------
    rows : numpy.ndarray, shape (n_rows, n_measured)
        Averages of the recordings that each row stands for.
    codes : numpy.ndarray of int, shape (n_rows,)
        Condition of each row.
    cultures : numpy.ndarray of int, shape (n_rows,)
        Culture of each row.
    names : tuple of str
        The conditions.
    is_within : bool
        Whether every culture has every condition: conditions then move within cultures alone.
    """

    rows: NDArray[np.float64]
    codes: NDArray[np.int64]
    cultures: NDArray[np.int64]
    names: tuple[str, ...]
    is_within: bool

    @property
    def n_cultures(self) -> int:
        """Number of cultures."""
        return len(np.unique(self.cultures))

    @property
    def freedom(self) -> tuple[int, int]:
        """Degrees of freedom of F: of conditions, and of what is left."""
        n, k = len(self.rows), len(self.names)
        left = (self.n_cultures - 1) * (k - 1) if self.is_within else n - k
        return k - 1, left

    def f_values(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """
        Compare conditions, column by column.

        Parameters
        ----------
        codes : numpy.ndarray of int, shape (n_rows,)
            Condition of each row, as it is or in another arrangement.

        Returns
        -------
        numpy.ndarray
            F of one-way analysis of variance, shape (n_measured,), or within cultures that of
            repeated measures; 0 where nothing varies.
        """
        centred = self._centred
        weights = np.zeros((len(self.names), len(codes)))
        weights[codes, np.arange(len(codes))] = 1.0
        sums = weights @ centred
        counts = weights.sum(axis=1, keepdims=True)
        between = (np.square(sums) / counts).sum(axis=0)
        total = np.square(centred).sum(axis=0)
        left = np.maximum(total - between, 0.0)
        first, second = self.freedom
        # Where conditions explain everything, rounding decides what is left: at most so much.
        safe = np.maximum(left, 1e-12 * total)
        ratio = np.divide(between, safe, out=np.zeros_like(total), where=safe > 0)
        return ratio * second / first

    @cached_property
    def _centred(self) -> NDArray[np.float64]:
        if not self.is_within:
            return self.rows - self.rows.mean(axis=0)
        k = len(self.names)
        stacked = self.rows.reshape(self.n_cultures, k, -1)
        centred: NDArray[np.float64] = (stacked - stacked.mean(axis=1, keepdims=True)).reshape(
            self.rows.shape
        )
        return centred

    def arrangements(self, most: int, seed: int) -> tuple[NDArray[np.int64], int]:
        """
        Arrange conditions anew, as the null hypothesis allows.

        Parameters
        ----------
        most : int
            Largest number of arrangements beside the given one.
        seed : int
            Seed of the draw.

        Returns
        -------
        codes : numpy.ndarray of int, shape (n_arrangements, n_rows)
            Each another one, the given one first; all where they are at most so many.
        n_extreme : int
            How many of all are as far apart as any one, whatever the data.
        """
        rng = np.random.default_rng(seed)
        if not self.is_within:
            found = arrangements(self.codes, most=most, rng=rng)
            return found, _mirrors(self.codes) if len(found) == _n_all(self.codes) else 1
        k, n_cultures = len(self.names), self.n_cultures
        every = prod([n_arrangements(list(range(k)))] * n_cultures)
        if every <= most + 1:
            return self._all_within(), n_arrangements(list(range(k)))
        drawn = {self.codes.tobytes(): self.codes}
        while len(drawn) < most + 1:
            order = rng.permuted(self.codes.reshape(n_cultures, k), axis=1).ravel()
            drawn.setdefault(order.tobytes(), order)
        return np.stack(list(drawn.values())), 1

    def _all_within(self) -> NDArray[np.int64]:
        k = len(self.names)
        orders = list(itertools.permutations(range(k)))
        chosen = itertools.product(orders, repeat=self.n_cultures)
        # The given arrangement is the first of all: rows of a culture stand in order.
        return np.array([np.concatenate(one) for one in chosen], dtype=np.int64)


def _n_all(codes: NDArray[np.int64]) -> int:
    return n_arrangements(codes.tolist())


def _mirrors(codes: NDArray[np.int64]) -> int:
    """Orders of the names of conditions of equal size: F does not know the names."""
    counts = np.bincount(codes)
    return prod(
        n_arrangements(list(range(int(np.sum(counts == size))))) for size in np.unique(counts)
    )


def design_of(
    values: NDArray[Any], conditions: Sequence[Any], cultures: Sequence[Any] | None = None
) -> Design:
    """
    Say what is free to move: conditions over cultures, or within each culture.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_recordings, n_measured)
        What was measured of each recording, finite.
    conditions : sequence, shape (n_recordings,)
        Condition of each recording.
    cultures : sequence, shape (n_recordings,), optional
        Culture or animal of each; every recording is one of its own by default.

    Returns
    -------
    Design
        Recordings of one culture and condition averaged.

    Raises
    ------
    InputError
        If lengths differ, a value is not finite, there are fewer than two conditions, or too few
        cultures.

    Warns
    -----
    DataLossWarning
        If conditions vary within cultures and some cultures lack one: they are left out.

    Examples
    --------
    >>> values = np.arange(4.0)[:, np.newaxis]
    >>> design_of(values, ["rest", "game"] * 2, ["a", "a", "b", "b"]).is_within
    True
    """
    import pandas as pd

    values = np.asarray(values, dtype=np.float64)
    cultures = range(len(values)) if cultures is None else cultures
    if len(conditions) != len(values) or len(cultures) != len(values):
        raise InputError(
            f"{len(values)} recordings need as many conditions and cultures, got "
            f"{len(conditions)} and {len(cultures)}."
        )
    if not np.isfinite(values).all():
        raise InputError("What is compared must be finite in every recording.")
    about = pd.DataFrame(
        {
            "culture": [str(item) for item in cultures],
            "condition": [str(item) for item in conditions],
        }
    )
    names = tuple(sorted(about["condition"].unique()))
    if len(names) < 2:
        raise InputError(f"All recordings have the condition '{names[0]}'; two are needed.")
    per_culture = about.groupby("culture")["condition"].nunique()
    is_within = bool((per_culture > 1).any())
    if is_within:
        about = _complete(about, per_culture, len(names))
    keys = ["culture", "condition"]
    order = about.groupby(keys, sort=True).groups
    rows = np.stack([values[np.asarray(index)].mean(axis=0) for index in order.values()])
    named = pd.DataFrame(list(order), columns=keys)
    codes = named["condition"].map({name: code for code, name in enumerate(names)}).to_numpy()
    design = Design(
        rows=rows, codes=codes.astype(np.int64),
        cultures=pd.factorize(named["culture"])[0].astype(np.int64),
        names=names, is_within=is_within,
    )  # fmt: skip
    _require(design)
    return design


def _complete(about: pandas.DataFrame, per_culture: Any, n_conditions: int) -> pandas.DataFrame:
    lacking = [str(name) for name, count in per_culture.items() if count < n_conditions]
    if len(lacking) == len(per_culture):
        raise InputError(
            "No culture has all conditions, and some have several. Compare conditions that every "
            "culture has, or use a mixed model."
        )
    if lacking:
        warnings.warn(
            f"{len(lacking)} cultures lack a condition and are left out: {some(lacking)}.",
            DataLossWarning,
            stacklevel=4,
        )
    return about[~about["culture"].isin(lacking)]


def _require(design: Design) -> None:
    counts = np.bincount(design.codes, minlength=len(design.names))
    if counts.min() < 2:
        name = design.names[int(counts.argmin())]
        raise InputError(
            f"The condition '{name}' has {counts.min()} culture; a test over cultures needs two in "
            "each condition. Recordings of one culture repeat it, they do not add to their number."
        )


def condition_effects(
    table: pandas.DataFrame,
    measures: Sequence[str],
    *,
    culture: str,
    condition: str,
    n_permutations: int = 9999,
    seed: int = 0,
) -> pandas.DataFrame:
    """
    Test whether any of several conditions differs, each culture counting once.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of windows or recordings.
    measures : sequence of str
        Columns to be compared.
    culture, condition : str
        Columns that name the culture and the condition of a row.
    n_permutations : int
        Number of arrangements beside the given one; all where they are fewer.
    seed : int
        Seed of the draw.

    Returns
    -------
    pandas.DataFrame
        One row per measure, with the columns of :data:`OMNIBUS_DESCRIPTIONS`.

    Raises
    ------
    InputError
        If there are fewer than two conditions, or too few cultures.

    Notes
    -----
    Where a culture has one condition, F is that of one-way analysis of variance, and conditions are
    permuted over cultures.  Where cultures have several, F is that of repeated measures, and
    conditions are permuted within each culture, which is then a block of exchange [1]_.

    References
    ----------
    .. [1] Winkler, Ridgway, Webster, Smith & Nichols (2014), NeuroImage 92, 381-397.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     {
    ...         "culture": list("aaabbbccc"),
    ...         "drug": ["none", "low", "high"] * 3,
    ...         "density": [1.0, 2.0, 4.0, 2.0, 3.0, 5.0, 0.0, 1.0, 3.1],
    ...     }
    ... )
    >>> found = condition_effects(table, ["density"], culture="culture", condition="drug")
    >>> found[["is_within", "p_value"]].round(3).to_numpy().tolist()
    [[True, 0.028]]
    """
    import pandas as pd

    design = design_of(table[list(measures)].to_numpy(), table[condition], table[culture])
    rows = []
    f_values, null, n_extreme = permuted_f(design, n_permutations, seed)
    for column, measure in enumerate(measures):
        judged = Null(observed=f_values[column], values=null[:, column], n_extreme=n_extreme)
        rows.append(
            {
                "measure": measure,
                "conditions": ", ".join(design.names),
                "n_cultures": design.n_cultures,
                "is_within": design.is_within,
                "f_value": float(f_values[column]),
                "p_value": judged.p_value,
                "smallest_p": judged.smallest_p,
            }
        )
    made = pd.DataFrame(rows)
    made["q_value"] = q_values(made["p_value"].to_numpy())
    return made[list(OMNIBUS_DESCRIPTIONS)]


def permuted_f(
    design: Design, n_permutations: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """
    Compute F as it is, and for every other arrangement.

    Parameters
    ----------
    design : Design
        What is compared.
    n_permutations : int
        Number of arrangements beside the given one.
    seed : int
        Seed of the draw.

    Returns
    -------
    observed : numpy.ndarray, shape (n_measured,)
        As it is.
    null : numpy.ndarray, shape (n_arrangements, n_measured)
        In the others.
    n_extreme : int
        How many arrangements are as far apart as any one, whatever the data.
    """
    codes, n_extreme = design.arrangements(positive_int(n_permutations, "n_permutations"), seed)
    found = np.stack(list(_each(design, codes)))
    return found[0], found[1:], n_extreme


def _each(design: Design, codes: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
    return (design.f_values(row) for row in codes)

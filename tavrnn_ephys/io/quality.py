"""Judgements of quality: cells that a tool rejected, units that a curator called noise."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError

__all__ = ["JUDGEMENTS", "REJECTED", "asked_quality", "kept_by_quality", "labels_of"]

# What curators and sorters call units that are no single neurons.
REJECTED = frozenset({"noise", "mua", "artifact", "artefact", "bad", "rejected", "multiunit"})
# A column of text is a judgement if it uses one of these words.
JUDGEMENTS = REJECTED | {"good", "accepted", "sua"}


def asked_quality(options: dict[str, Any]) -> Any:
    """
    Take the option ``quality``, or ``cells`` as it was called before, out of options.

    Parameters
    ----------
    options : dict of str to object
        Options of an adapter; the two names are removed.

    Returns
    -------
    str or list of str
        ``"accepted"`` if none is given.

    Raises
    ------
    InputError
        If both are given.
    """
    former, quality = options.pop("cells", None), options.pop("quality", None)
    if former is not None and quality is not None:
        raise InputError("cells is the former name of quality. Give quality alone.")
    return next((value for value in (quality, former) if value is not None), "accepted")


def labels_of(values: Any) -> NDArray[np.str_] | None:
    """
    Turn a column of judgements into lower-case labels.

    Parameters
    ----------
    values : array_like, shape (n_nodes,)
        Text; or numbers and booleans, of which those above a half mean accepted.

    Returns
    -------
    numpy.ndarray of str or None
        A label per node, ``"accepted"`` and ``"rejected"`` for numbers; None if a column of text
        uses no word of judgement.

    Examples
    --------
    >>> labels_of([1, 0]).tolist(), labels_of(["Good", "noise"]).tolist(), labels_of(["CA1"])
    (['accepted', 'rejected'], ['good', 'noise'], None)
    """
    array = np.asarray(values)
    if array.dtype.kind in "biuf":
        return np.where(array > 0.5, "accepted", "rejected")
    labels = np.array([str(value).strip().lower() for value in array.ravel()], dtype=str)
    return labels if JUDGEMENTS & set(labels.tolist()) else None


def kept_by_quality(
    labels: Any, quality: Any, *, n_nodes: int, kind: str, file_name: str, judge: str
) -> NDArray[np.int64]:
    """
    Choose the nodes that their judgement lets through.

    Parameters
    ----------
    labels : array_like of str, shape (n_nodes,), or None
        Judgement of each node in lower case; None where nobody judged.
    quality : str or list of str
        ``"accepted"`` leaves out what is called rejected, noise, mua, artefact or bad, and keeps
        what has no judgement; ``"all"`` keeps everything; anything else names the labels to keep.
    n_nodes : int
        Number of nodes.
    kind : str
        What the nodes are, in the plural, for messages.
    file_name, judge : str
        Name of the file, and who judged, for messages.

    Returns
    -------
    numpy.ndarray
        Positions of the nodes that are kept.

    Raises
    ------
    FileFormatError
        If none is left.
    InputError
        If the option names a label that the file does not use.

    Warns
    -----
    DataLossWarning
        If nodes are left out.
    """
    wanted = [quality] if isinstance(quality, str) else list(np.ravel(quality))
    if not wanted or not all(isinstance(item, str) for item in wanted):
        raise InputError(f"quality must be 'accepted', 'all' or labels to keep, got {quality!r}.")
    names = {str(item).strip().lower() for item in wanted}
    if labels is None:
        _refuse_labels(names, (), file_name)
        return np.arange(n_nodes)
    found = np.asarray(labels, dtype=str)
    if names == {"all"}:
        return np.arange(n_nodes)
    if names == {"accepted"}:
        kept = np.flatnonzero([label not in REJECTED for label in found])
    else:
        _refuse_labels(names, sorted(set(found.tolist())), file_name)
        kept = np.flatnonzero(np.isin(found, sorted(names)))
    if len(kept) == 0:
        raise FileFormatError(
            f"{judge} accepted none of the {n_nodes} {kind} of '{file_name}'. "
            "Keep them all: quality='all', on the command line --option quality=all."
        )
    if len(kept) < n_nodes:
        left_out = Counter(np.delete(found, kept).tolist())
        counts = ", ".join(f"{count} {label or 'unlabelled'}" for label, count in left_out.items())
        warnings.warn(
            f"{n_nodes - len(kept)} of {n_nodes} {kind} of '{file_name}' were not accepted by "
            f"{judge} ({counts}) and are left out; quality='all' keeps them, on the command line "
            "--option quality=all.",
            DataLossWarning,
            stacklevel=5,
        )
    return kept


def _refuse_labels(names: set[str], known: Sequence[str], file_name: str) -> None:
    missing = sorted(names - set(known) - {"accepted", "all"})
    if missing:
        has = f"It has {some(known)}" if known else "Nothing in it judges quality"
        raise InputError(
            f"quality must be 'accepted' or 'all', or labels to keep; '{file_name}' does not use "
            f"{some(missing)}. {has}."
        )

"""What a block says of its subject, its device and its imaging plane."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from tavrnn_ephys.core.errors import DataLossWarning

__all__ = ["annotated_fields"]

# A device or a plane is often known by no more than a name.
_MAY_BE_TEXT = ("device", "imaging_plane")


def annotated_fields(
    annotations: Mapping[str, Any], name: str, *, where: str = "The recording"
) -> dict[str, Any]:
    """
    Give the fields that an annotation of a block holds.

    Parameters
    ----------
    annotations : mapping of str to object
        Annotations of a block.
    name : str
        Which: ``"subject"``, ``"device"`` or ``"imaging_plane"``.
    where : str
        What is annotated, for the warning.

    Returns
    -------
    dict of str to object
        The fields by NWB's names; none where the annotation is absent or empty.  A text becomes
        the ``description``; anything else but a mapping is not used.

    Warns
    -----
    DataLossWarning
        If a subject is no mapping, or the annotation is neither mapping nor text, as NIX leaves
        one, which keeps of nested fields the names alone.

    Examples
    --------
    >>> annotated_fields({"subject": {"subject_id": "M12"}}, "subject")
    {'subject_id': 'M12'}
    >>> annotated_fields({"device": "HD-MEA"}, "device")
    {'description': 'HD-MEA'}
    """
    about = annotations.get(name)
    if isinstance(about, Mapping):
        return {str(key): value for key, value in about.items()}
    text = about.strip() if isinstance(about, str) else None
    if about is None or text == "":
        return {}
    if text is None or name not in _MAY_BE_TEXT:
        fate = "is not used" if text is None else "counts as its description alone"
        warnings.warn(
            f"{where} gives as its '{name}' {about!r:.60}, which is no mapping of fields to "
            f"values, and {fate}. Set block.annotations['{name}'] = {{'{_FIELDS[name]}': …}}, or "
            "convert with --metadata.",
            DataLossWarning,
            stacklevel=2,
        )
    return {} if text is None else {"description": text}


_FIELDS = {"subject": "subject_id", "device": "manufacturer", "imaging_plane": "indicator"}

"""Text of files that do not say how it is encoded, as spreadsheets of other systems write it."""

from __future__ import annotations

import codecs

__all__ = ["decoded", "encoding_of"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# A letter of UTF-8 can be cut within its last three bytes.
_LONGEST_REST = 3


def encoding_of(content: bytes) -> str:
    """
    Say how text is encoded: by its mark, else UTF-8 where it is that, else Western Windows.

    Parameters
    ----------
    content : bytes
        The text, or its beginning.

    Returns
    -------
    str
        Name of the encoding.

    Examples
    --------
    >>> encoding_of("10 µM".encode("utf-8")), encoding_of("10 µM".encode("cp1252"))
    ('utf-8-sig', 'cp1252')
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(content) - _LONGEST_REST or error.reason == "invalid start byte":
            return "cp1252"
    return "utf-8-sig"


def decoded(content: bytes) -> str:
    """
    Decode text; bytes that mean nothing become replacement characters.

    Parameters
    ----------
    content : bytes
        The text.

    Returns
    -------
    str
        The text, without a mark at its beginning.

    Examples
    --------
    >>> decoded("10 µM".encode("cp1252")), decoded("10 µM".encode("utf-16"))
    ('10 µM', '10 µM')
    """
    return content.decode(encoding_of(content), errors="replace").removeprefix("\ufeff")

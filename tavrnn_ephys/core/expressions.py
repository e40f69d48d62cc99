"""
Conditions on the columns of a table, read without running anything.

A condition is parsed into Python's syntax tree, of which only comparisons of columns with
constants, joined by ``and``, ``or`` and ``not``, are known: no call, no attribute, no index.
"""

from __future__ import annotations

import ast
import math
import numbers
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError

__all__ = ["columns_of", "evaluate", "parse_expression"]

_LONGEST = 2000
_EXAMPLE = "quality == 'good' and region == 'CA1'"
_ORDERS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
# A column whose name is no Python name stands between backticks; texts are passed over.
_TOKENS = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|`([^`]*)`""", re.DOTALL)


def parse_expression(text: Any) -> ast.expr:
    """
    Read a condition, and refuse what is none.

    Parameters
    ----------
    text : str
        Columns, numbers, texts in quotes, lists of them, ``==  !=  <  <=  >  >=  in  not in``,
        ``and``, ``or``, ``not`` and parentheses.  A column whose name is no Python name stands
        between backticks.

    Returns
    -------
    ast.expr
        Its tree.

    Raises
    ------
    InputError
        If it cannot be read, or holds anything else.

    Examples
    --------
    >>> columns_of(parse_expression("`firing rate` > 1 and region in ['CA1', 'CA3']"))
    ['firing rate', 'region']
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"A condition on nodes is a text such as {_EXAMPLE!r}, got {text!r}.")
    if len(text) > _LONGEST:
        raise InputError(
            f"A condition on nodes may have {_LONGEST} characters, got {len(text)}. List ids "
            "instead."
        )
    try:
        tree = ast.parse(_without_backticks(text.strip()), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"The condition {text!r:.200} cannot be read. {_way_out()}") from None
    _require_known(tree, text)
    return tree


def columns_of(tree: ast.expr) -> list[str]:
    """
    List the columns that a condition names.

    Parameters
    ----------
    tree : ast.expr
        Of :func:`parse_expression`.

    Returns
    -------
    list of str
        Each once, in the order of the text.
    """
    names = [_name(node) for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return list(dict.fromkeys(names))


def evaluate(tree: ast.expr, columns: Mapping[str, Sequence[Any]], n_rows: int) -> list[bool]:
    """
    Say which rows of a table meet a condition.

    Parameters
    ----------
    tree : ast.expr
        Of :func:`parse_expression`.
    columns : mapping of str to sequence, each of length n_rows
        Numbers, booleans and texts, mixed where the table is; NaN and None are missing.
    n_rows : int
        Number of rows.

    Returns
    -------
    list of bool
        One per row, True where it holds.  A missing value differs from everything, and is neither
        less nor greater.

    Raises
    ------
    InputError
        If a column does not exist, or text and numbers are put in order.

    Examples
    --------
    >>> tree = parse_expression("rate > 1 or not region == 'CA1'")
    >>> evaluate(tree, {"rate": [0.5, 2.0], "region": ["CA1", "CA1"]}, 2)
    [False, True]
    """
    unknown = [name for name in columns_of(tree) if name not in columns]
    if unknown:
        raise InputError(f"The nodes have no column {unknown[0]!r}; they have {some(columns, 30)}.")
    return _truth(tree, columns, n_rows)


def _without_backticks(text: str) -> str:
    """Give each name between backticks a name that Python can read, from its characters."""

    def replaced(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1]
        return f"_column_{match[2].encode().hex()}_"

    return _TOKENS.sub(replaced, text)


def _name(node: ast.Name) -> str:
    match = re.fullmatch(r"_column_((?:[0-9a-f]{2})*)_", node.id)
    return node.id if match is None else bytes.fromhex(match[1]).decode(errors="replace")


def _way_out() -> str:
    return (
        f'Write it as "{_EXAMPLE}": columns compared with numbers or quoted texts by ==, !=, <, '
        "<=, >, >=, in and not in, joined by and, or and not."
    )


def _require_known(tree: ast.expr, text: str) -> None:
    """Refuse every part that is no comparison of columns with constants."""
    if isinstance(tree, ast.BoolOp):
        for part in tree.values:
            _require_known(part, text)
    elif isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        _require_known(tree.operand, text)
    elif isinstance(tree, ast.Compare):
        sides = [tree.left, *tree.comparators]
        for sign, one, two in zip(tree.ops, sides, sides[1:], strict=False):
            of_list = isinstance(sign, ast.In | ast.NotIn)
            known = _is_side(one) and (_is_list(two) if of_list else _is_side(two))
            if isinstance(sign, ast.Is | ast.IsNot) or not known:
                raise InputError(f"In the condition {text!r:.200}, a part is unknown. {_way_out()}")
    elif not isinstance(tree, ast.Name):
        raise InputError(f"In the condition {text!r:.200}, a part is unknown. {_way_out()}")


def _is_side(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) or _constant(node) is not None


def _is_list(node: ast.expr) -> bool:
    return isinstance(node, ast.List | ast.Tuple | ast.Set) and all(
        _constant(item) is not None for item in node.elts
    )


def _constant(node: ast.expr) -> Any:
    """Give the value of a number, a text or a truth value; None of anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _constant(node.operand)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bool | int | float):
        return node.value
    return None


def _truth(tree: ast.expr, columns: Mapping[str, Any], n_rows: int) -> list[bool]:
    if isinstance(tree, ast.BoolOp):
        parts = [_truth(part, columns, n_rows) for part in tree.values]
        join = all if isinstance(tree.op, ast.And) else any
        return [join(row) for row in zip(*parts, strict=True)]
    if isinstance(tree, ast.UnaryOp):
        return [not met for met in _truth(tree.operand, columns, n_rows)]
    if isinstance(tree, ast.Name):
        return _of_flags(_name(tree), columns[_name(tree)])
    if not isinstance(tree, ast.Compare):
        raise InputError(f"In a condition, {ast.unparse(tree)!r:.200} is unknown. {_way_out()}")
    sides = [tree.left, *tree.comparators]
    found = [
        _compared(sign, one, two, columns, n_rows)
        for sign, one, two in zip(tree.ops, sides, sides[1:], strict=False)
    ]
    return [all(row) for row in zip(*found, strict=True)]


def _of_flags(name: str, values: Sequence[Any]) -> list[bool]:
    if not all(_is_missing(value) or isinstance(value, bool) for value in values):
        raise InputError(
            f"The column {name!r} holds no truth values, so that it needs a comparison: {name} == …"
        )
    return [value is True for value in values]


def _compared(
    sign: ast.cmpop, one: ast.expr, two: ast.expr, columns: Mapping[str, Any], n_rows: int
) -> list[bool]:
    left = _values(one, columns, n_rows)
    if isinstance(sign, ast.In | ast.NotIn) and isinstance(two, ast.List | ast.Tuple | ast.Set):
        items = [_constant(item) for item in two.elts]
        wanted = isinstance(sign, ast.In)
        return [any(_equal(a, b) for b in items) is wanted for a in left]
    right = _values(two, columns, n_rows)
    pairs = list(zip(left, right, strict=True))
    if isinstance(sign, ast.Eq | ast.NotEq):
        wanted = isinstance(sign, ast.Eq)
        return [_equal(a, b) is wanted for a, b in pairs]
    compare = _ORDERS[type(sign)]
    return [_ordered(compare, a, b) for a, b in pairs]


def _values(node: ast.expr, columns: Mapping[str, Any], n_rows: int) -> list[Any]:
    if isinstance(node, ast.Name):
        return list(columns[_name(node)])
    return [_constant(node)] * n_rows


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real)


def _equal(one: Any, two: Any) -> bool:
    if _is_missing(one) or _is_missing(two) or _is_number(one) != _is_number(two):
        return False
    return bool(one == two) if _is_number(one) else str(one) == str(two)


def _ordered(compare: Callable[[Any, Any], Any], one: Any, two: Any) -> bool:
    if _is_missing(one) or _is_missing(two):
        return False
    if _is_number(one) != _is_number(two):
        raise InputError(
            f"{one!r:.60} and {two!r:.60} have no order: one is text, the other a number. Compare "
            "a column of text with a text in quotes, and one of numbers with a number."
        )
    return bool(compare(one, two) if _is_number(one) else compare(str(one), str(two)))

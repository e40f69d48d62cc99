"""A mapping that cannot be changed, and that other processes can be sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

__all__ = ["FrozenMapping"]

Value = TypeVar("Value")


class FrozenMapping(Mapping[str, Value]):
    """
    A mapping that is read like a dictionary and never changes.

    Unlike :class:`types.MappingProxyType` it can be pickled and deep-copied.

    Parameters
    ----------
    items : mapping
        What it holds; copied.

    Examples
    --------
    >>> import pickle
    >>> frozen = FrozenMapping({"label": "rest"})
    >>> pickle.loads(pickle.dumps(frozen)) == frozen == {"label": "rest"}
    True
    >>> frozen | {"score": 1}
    {'label': 'rest', 'score': 1}
    >>> frozen["label"] = "play"
    Traceback (most recent call last):
        ...
    TypeError: 'FrozenMapping' object does not support item assignment
    """

    __slots__ = ("_items",)

    _items: dict[str, Value]

    def __init__(self, items: Mapping[str, Value] | None = None) -> None:
        object.__setattr__(self, "_items", dict(items or {}))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"A FrozenMapping has no attribute {name!r} that can be set.")

    def __getitem__(self, key: str) -> Value:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._items, **other} if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**other, **self._items} if isinstance(other, Mapping) else NotImplemented

    def copy(self) -> dict[str, Value]:
        """
        Return a dictionary that can be changed.

        Returns
        -------
        dict
            The same keys and values.
        """
        return dict(self._items)

    def __repr__(self) -> str:
        return repr(self._items)

    # Without this, slots and the refusal to set attributes would stop pickle and deepcopy.
    def __reduce__(self) -> tuple[Any, tuple[dict[str, Value]]]:
        return FrozenMapping, (self._items,)

"""
Rows of a sparse matrix times narrow features, written out as vector instructions.

A loop over features whose number is not known when it is compiled spends more on its own
management than on additions.  Here 8, 16 or 32 features at a time are summed in registers over
all neighbours of a row, in four sums that do not wait for each other.  LLVM turns the vectors
into the instructions of the processor at hand, wider or narrower.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["multiply_rows"]

_N_SUMS = 4
_INDEX = ir.IntType(64)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written: compile each time.
        return numba.njit(**options)(function)


class _Code:
    """Instructions that sum the neighbours of one row for a few features."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any, shape: Any):
        n_vectors, lanes = shape
        self.builder = builder
        self.vector = ir.VectorType(ir.FloatType(), lanes)
        arrays = [
            None
            if isinstance(kind, types.NoneType)
            else context.make_array(kind)(context, builder, value=value)
            for kind, value in zip(signature.args[:4], arguments[:4], strict=True)
        ]
        self.columns, self.values, self.source, self.result = [
            None if array is None else array.data for array in arrays
        ]
        self.width = builder.extract_value(cast(Any, arrays[3]).shape, 1)
        self.row, self.feature, self.first, self.last = arguments[4:]
        self.sums = [
            [cgutils.alloca_once(builder, self.vector) for _ in range(n_vectors)]
            for _ in range(_N_SUMS)
        ]

    def place(self, data: Any, row: Any) -> Any:
        """Point to the features of a row."""
        offset = self.builder.add(self.builder.mul(row, self.width), self.feature)
        return self.builder.bitcast(self.builder.gep(data, [offset]), self.vector.as_pointer())

    def add(self, position: Any, sums: list[Any]) -> None:
        """Add the neighbour at a position of the columns, times its value if there are any."""
        builder = self.builder
        column = builder.zext(builder.load(builder.gep(self.columns, [position])), _INDEX)
        place = self.place(self.source, column)
        weight = None
        if self.values is not None:
            value = builder.load(builder.gep(self.values, [position]))
            lanes = ir.Constant(self.vector, ir.Undefined)
            for lane in range(self.vector.count):
                lanes = builder.insert_element(lanes, value, ir.IntType(32)(lane))
            weight = lanes
        for index, total in enumerate(sums):
            part = builder.load(builder.gep(place, [_INDEX(index)]), align=4)
            if weight is not None:
                part = builder.fmul(part, weight)
            builder.store(builder.fadd(builder.load(total), part), total)

    def write(self) -> None:
        """Sum over all neighbours and store the row."""
        builder = self.builder
        for sums in self.sums:
            for total in sums:
                builder.store(ir.Constant(self.vector, None), total)
        n_paired = builder.and_(builder.sub(self.last, self.first), _INDEX(-_N_SUMS))
        middle = builder.add(self.first, n_paired)
        step, one = _INDEX(_N_SUMS), _INDEX(1)
        with cgutils.for_range_slice(builder, self.first, middle, step, _INDEX) as (position, _):
            for index, sums in enumerate(self.sums):
                self.add(builder.add(position, _INDEX(index)), sums)
        with cgutils.for_range_slice(builder, middle, self.last, one, _INDEX) as (position, _):
            self.add(position, self.sums[0])
        place = self.place(self.result, self.row)
        for index, totals in enumerate(zip(*self.sums, strict=True)):
            first, *others = [builder.load(total) for total in totals]
            for other in others:
                first = builder.fadd(first, other)
            builder.store(first, builder.gep(place, [_INDEX(index)])).align = 4


def _row_sum(n_vectors: int, lanes: int) -> Any:
    def declare(context: Any, columns: Any, values: Any, source: Any, result: Any, row: Any,
                feature: Any, first: Any, last: Any) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _Code(context, builder, signature, arguments, (n_vectors, lanes)).write()
            return context.get_dummy_value()

        arguments = (columns, values, source, result, *([types.int64] * 4))
        return types.void(*arguments), generate

    return intrinsic(declare)


_sum_32: Any = _row_sum(2, 16)
_sum_16: Any = _row_sum(1, 16)
_sum_8: Any = _row_sum(1, 8)


@_compiled
def multiply_rows(starts, columns, values, source, result):
    """
    Fill ``result[i]`` with ``Σ_k values[k] source[columns[k]]``, ``k`` over the edges of row ``i``.

    Parameters
    ----------
    starts : numpy.ndarray of int64, shape (n + 1,)
        Position of each row's first neighbour.
    columns : numpy.ndarray of uint32, shape (n_edges,)
        Neighbours.
    values : numpy.ndarray of float32, shape (n_edges,), or None
        Weights of the neighbours; ``None`` for ones.
    source, result : numpy.ndarray of float32, shape (n, n_features)
        Features, and where their sums go; the number of features is a multiple of 8.
    """
    n_features, feature = source.shape[1], 0
    while n_features - feature >= 32:
        for i in range(len(starts) - 1):
            _sum_32(columns, values, source, result, i, feature, starts[i], starts[i + 1])
        feature += 32
    if n_features - feature >= 16:
        for i in range(len(starts) - 1):
            _sum_16(columns, values, source, result, i, feature, starts[i], starts[i + 1])
        feature += 16
    if n_features - feature >= 8:
        for i in range(len(starts) - 1):
            _sum_8(columns, values, source, result, i, feature, starts[i], starts[i + 1])

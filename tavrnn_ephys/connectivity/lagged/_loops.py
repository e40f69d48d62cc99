"""
Loops over spikes in order of time, compiled by numba.

Every sum is one of whole multiples of a power of two, so that the order of addition does not
matter, and what is subtracted leaves no rounding behind.
"""

from __future__ import annotations

from tavrnn_ephys.core.compiling import compiled

__all__ = ["advance", "count_lags"]


@compiled
def advance(
    bins, nodes, counts, event, first, last, kernel, ring, sign, gram, squares, totals, with_squares
):  # pragma: no cover - compiled
    """
    Go through bins, and add what the spikes of each find of every source's past.

    ``ring[t % len(ring)]`` is the past of all sources at bin ``t``; a spike adds the kernel to the
    bins behind it.  ``totals`` has the rows Σx, Σx², Σf, Σf².  Returns the first event behind.
    """
    n_lags, n_nodes = len(kernel), ring.shape[1]
    size = n_lags + 1
    for t in range(first, last):
        past = ring[t % size]
        stop = event
        while stop < len(bins) and bins[stop] == t:
            stop += 1
        if sign != 0.0:
            for k in range(event, stop):
                j, count = nodes[k], sign * counts[k]
                row = gram[j]
                for i in range(n_nodes):
                    row[i] += count * past[i]
                if with_squares:
                    square = squares[j]
                    for i in range(n_nodes):
                        square[i] += count * past[i] * past[i]
                totals[0, j] += count
                totals[1, j] += count * counts[k]
            sums, sums_of_squares = totals[2], totals[3]
            for i in range(n_nodes):
                sums[i] += sign * past[i]
                sums_of_squares[i] += sign * past[i] * past[i]
        for i in range(n_nodes):
            past[i] = 0.0
        for k in range(event, stop):
            j, count = nodes[k], counts[k]
            for lag in range(n_lags):
                ring[(t + 1 + lag) % size, j] += count * kernel[lag]
        event = stop
    return event


@compiled
def count_lags(bins, nodes, counts, first, last, out):  # pragma: no cover - compiled
    """
    Count coincidences at lags: ``out[lag - 1, i, j]`` sums ``x_i(t - lag) x_j(t)``.

    Spikes of the target lie in events ``first`` to ``last``, those of the source may lie before.
    """
    n_lags = len(out)
    for k in range(first, last):
        j, t = nodes[k], bins[k]
        before = k - 1
        while before >= 0 and t - bins[before] <= n_lags:
            lag = t - bins[before]
            if lag > 0:
                out[lag - 1, nodes[before], j] += counts[before] * counts[k]
            before -= 1

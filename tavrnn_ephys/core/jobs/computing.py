"""Results of many calls, in their order, from this process or several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.errors import TavrnnEphysError

__all__ = ["computed"]

T = TypeVar("T")


def computed(calls: Sequence[Callable[[], T]], n_workers: int = 1) -> Iterator[T]:
    """
    Compute what calls return; the first that fails ends it.

    Parameters
    ----------
    calls : sequence of callable
        Take nothing; for other processes functions of a module, or objects, that can be pickled.
    n_workers : int
        Processes of joblib at work, each on one thread; 1 for this process.

    Yields
    ------
    object
        What each returned, in the order of the calls.

    Raises
    ------
    InputError
        If ``n_workers`` is no whole number of at least 1.
    TavrnnEphysError
        If a process dies.

    Examples
    --------
    >>> list(computed([dict, list]))
    [{}, []]
    """
    if positive_int(n_workers, "n_workers") == 1 or len(calls) < 2:
        for call in calls:
            yield call()
        return
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = Parallel(n_jobs=min(n_workers, len(calls)), return_as="generator", batch_size=1)
        try:
            yield from parallel(delayed(call)() for call in calls)
        except TerminatedWorkerError as error:
            raise TavrnnEphysError(
                "A process died at its work, most often for want of memory. Take one process."
            ) from error

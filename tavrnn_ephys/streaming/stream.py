"""A fitted model over a recording that is still being made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tavrnn_ephys.streaming._advancing import Advancing
from tavrnn_ephys.streaming._state_file import read_state, write_state
from tavrnn_ephys.streaming.chunks import Counts, Spikes
from tavrnn_ephys.streaming.running import run_stream
from tavrnn_ephys.streaming.updates import Update

__all__ = ["Stream"]


class Stream(Advancing):
    """
    A fitted model that takes bins in one by one, and says what it would say at the end.

    Bins, windows, measure and threshold are those of the fit; where it reads lags off spike times,
    bins are of at most 1 ms, as :attr:`info` says.  The state of the model moves on only at the
    fitted step, because recurrence and attention count windows, not seconds: there the embedding
    is *committed*, and equals that of :meth:`tavrnn_ephys.TAVRNN.transform` over the whole
    recording.  With ``provisional`` every bin of the fit in between gets an embedding too, as if
    its window followed the last committed one; it leaves no trace.

    Parameters
    ----------
    model : TAVRNN, str or pathlib.Path
        The fitted model, or its file; any method with ``stream_step`` will do.
    session : str, optional
        Session of the model; needed where there are several.
    provisional : bool
        Whether windows between fitted steps are embedded too.
    late : {"skip", "stop"}
        What happens when a source brings bins faster than they are embedded: provisional
        embeddings are skipped, and counted, or the stream stops with an error.
    lateness_s : float
        Time that a bin waits for spikes that come late; later ones are counted, never moved.
    t_start_s : float, optional
        Start of the first bin on the clock of the source; that of what comes first by default.
    decoder : StateDecoder, optional
        What gives each update its score.
    reference : DriftMonitor, optional
        What judges whether the network has left the range of the fit.
    adapt : float, optional
        Time in seconds over which the decoder follows the mean embedding, as of
        :class:`~tavrnn_ephys.streaming.MeanAdaptation`; needs ``reference``.  Embeddings stay
        those of the fit, and so does the judgement of drift; each adaptation is an event.

    Raises
    ------
    InputError
        If the model does not say its units, or has no streaming path.

    Examples
    --------
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.simulate_culture(n_nodes=20, duration=12 * pq.s, mean_rate_hz=20.0, seed=1)
    >>> config = te.AnalysisConfig(
    ...     bin_size_s=0.05, window_length_s=2.0, step_s=1.0, seed=0
    ... )
    >>> result = te.analyze(block, config)
    >>> stream = te.Stream(result.model)
    >>> updates = stream.push(result.activity.values)
    >>> updates[-1]
    Update: 10 s to 12 s, committed, running
    >>> bool(np.allclose(updates[-1].embedding, result.embedding.mean[-1], atol=1e-5))
    True
    """

    def push(self, counts: Any, t_start_s: float | None = None) -> list[Update]:
        """
        Take in the counts of one bin, or of consecutive bins.

        Parameters
        ----------
        counts : array_like of int, shape (n_nodes,) or (n_nodes, n_bins)
            Spike counts in the order of the fit's nodes.
        t_start_s : float, optional
            Start of the first of them on the clock of the source; right behind those before by
            default.  A later start says that bins are missing.

        Returns
        -------
        list of Update
            One per committed window, with ``provisional`` one per bin; empty before the first
            whole window.

        Raises
        ------
        InputError
            If shape or counts do not suit the fit, or the bins were cut by another clock.
        """
        return [item for _, item in self.take(Counts(counts=counts, t_start_s=t_start_s)) if item]

    def push_spikes(
        self,
        times_s: Any,
        node_ids: Any,
        *,
        until_s: float | None = None,
        t_start_s: float | None = None,
    ) -> list[Update]:
        """
        Take in spikes, and close the bins that lie wholly before them.

        Parameters
        ----------
        times_s : array_like of float, shape (n_spikes,)
            Times on the clock of the source, in any order.
        node_ids : array_like of str or int, shape (n_spikes,)
            Node of each spike: its name, or its position.
        until_s : float, optional
            Time up to which no further spikes are to come; the last spike by default.
        t_start_s : float, optional
            Time from which on spikes are known; a later one than the last ``until_s`` says that
            the stretch between was lost.

        Returns
        -------
        list of Update
            As of :meth:`push`.

        Raises
        ------
        InputError
            If a node is none of the fit.
        """
        chunk = Spikes(times_s=times_s, node_ids=node_ids, until_s=until_s, t_start_s=t_start_s)
        return [item for _, item in self.take(chunk) if item]

    def run(self, source: Any, **options: Any) -> Iterator[Update]:
        """
        Take in all that a source brings, and hand every update on as it is made.

        Parameters
        ----------
        source : source or iterable of chunks
            One of :mod:`tavrnn_ephys.streaming.sources`, or any iterable of
            :class:`~tavrnn_ephys.streaming.chunks.Counts`,
            :class:`~tavrnn_ephys.streaming.chunks.Spikes` or arrays of counts.
        **options : object
            ``sinks``, ``triggers``, ``autosave``, ``autosave_every_s``, ``priority``,
            ``queue_s`` and ``yield_events`` of
            :func:`tavrnn_ephys.streaming.running.run_stream`.

        Yields
        ------
        Update
            As of :meth:`push`.

        Raises
        ------
        StreamError
            If the stream fell behind and ``late="stop"``, or the source changed.
        """
        yield from run_stream(self, source, **options)

    def save(self, path: str | Path, *, overwrite: bool = True) -> None:
        """
        Save what the stream remembers, in one file that appears whole or not at all.

        Parameters
        ----------
        path : str or pathlib.Path
            The file, usually ``.npz``; NumPy arrays without pickled objects.
        overwrite : bool
            Whether an existing file is replaced.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        write_state(path, self.remembered(), self._digest, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | Path, model: Any, **options: Any) -> Stream:
        """
        Go on where a saved stream was.

        Parameters
        ----------
        path : str or pathlib.Path
            What :meth:`save` wrote.
        model : TAVRNN, str or pathlib.Path
            The same model.
        **options : object
            Parameters of the stream.

        Returns
        -------
        Stream
            A stream that says of the next bins, to the last bit, what the saved one would have
            said.

        Raises
        ------
        FileFormatError
            If the file is missing, damaged, or holds something else.
        InputError
            If it was saved with another model.
        """
        stream = cls(model, **options)
        stream.recall(read_state(path, stream._digest))
        return stream

"""
DishBrain trials: spike words on the channels of an array, the game's events, and the layout.

A trial ``CHIP.DATE.N.h5`` (such as ``8137b.2021-06-20.2.h5``; N is even in a game, odd at rest) has

- ``TRIAL_spikewords.npz``: a sparse matrix as ``scipy.sparse.save_npz`` writes it, channels x bins;
- ``TRIAL_channel_nums.npy``: the channel of each row, beside it or in a folder ``Channel_Nums``;
- ``TRIAL_events.csv``, optional: ``elapse_seconds`` and ``hit_count`` at the end of each episode;

and all trials share ``channel_locs.csv`` (channel, x, y in micrometres) and
``channel_subregions.csv`` (channel, subregion), both optional, in the folder or up to two above.

A session of the DishBrain server is ``spikes.bin`` with ``events.txt``, an electrode map ``.cfg``
and ``replay.bin`` beside it, all but the spikes optional; see ``_dishbrain_server``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.mea._dishbrain_files import (
    SUFFIX,
    Layout,
    Trial,
    is_spike_words,
    read_layout,
    read_trial,
)
from tavrnn_ephys.adapters.mea._dishbrain_server import SUFFIXES, is_server_file
from tavrnn_ephys.adapters.mea._dishbrain_session import SessionOptions, read_session
from tavrnn_ephys.adapters.mea._parts import (
    asked_span_s,
    choose,
    refuse_unknown,
    span_within,
    spiketrains_of_table,
)
from tavrnn_ephys.core.checks import duration_s, one_of, some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io.blocks import make_signal

if TYPE_CHECKING:
    import neo

__all__ = ["DishBrainAdapter"]

_BIN_SIZE_S = 0.05
# MaxOne, on which DishBrain runs, samples at 20 kHz; the words keep 50 ms of it.
_DEVICE_RATE_HZ = 20000.0


class DishBrainAdapter:
    """
    Spike words of DishBrain trials, one trial or all of a chip; sessions of the server.

    Examples
    --------
    >>> DishBrainAdapter().suffixes
    ('_spikewords.npz', 'spikes.bin', 'events.txt', 'replay.bin')
    """

    name = "dishbrain"
    description = "DishBrain spike words, or the server's spikes, with the game and the layout"
    suffixes: tuple[str, ...] = (SUFFIX, *SUFFIXES)
    reads_folders = True
    choices: Mapping[str, str] = MappingProxyType({
        "join": "The named trial alone, not the others of its chip in the folder.",
        "layout": "channel_locs.csv in the folder, or up to two above.",
        "electrodes": "The map that the events name, or the only one of the session.",
        "unplaced": "Channels without a place are kept; a warning tells them with their spikes.",
    })  # fmt: skip

    def recognises(self, path: Path) -> bool:
        """
        Say whether a path is spike words, or a session of the server.

        Parameters
        ----------
        path : pathlib.Path
            An existing file or folder.

        Returns
        -------
        bool
            True for ``…_spikewords.npz`` written by ``scipy.sparse.save_npz``, for the files of
            a session and for their folder.
        """
        return is_spike_words(path) or is_server_file(path)

    def read(
        self,
        path: Path,
        *,
        join: str | None = None,
        trials: Sequence[str] | None = None,
        channels: Sequence[Any] | None = None,
        bin_size: Any = None,
        duration: Any = None,
        layout: str | Path | None = None,
        t_start: Any = None,
        t_stop: Any = None,
        allow_pickle: bool = False,
        electrodes: str | Path | None = None,
        unplaced: str | None = None,
        sampling_rate: Any = None,
        **unknown: Any,
    ) -> neo.Block:
        """
        Read a trial, several trials of its chip, or a session of the server.

        Parameters
        ----------
        path : pathlib.Path
            Spike words of a trial; or any file of a session, or its folder.
        join : {"or", "segments"}, optional
            What becomes of the chip's other trials of the same kind, game or rest, in the folder:
            they are left alone by default; with ``"or"`` a channel spikes in a bin if it does in
            any trial [1]_; with ``"segments"`` each trial is a segment.
        trials : sequence of str, optional
            Trials to be joined, such as ``"8137b.2021-06-20.2.h5"``; all of the same kind by
            default.
        channels : sequence of int or str, optional
            Channel numbers; by default those recorded in any of the trials.
        bin_size : quantities.Quantity, optional
            Width of a bin; 50 ms by default.
        duration : quantities.Quantity, optional
            Length to which trials are cut, or filled up with silence; by default that of the
            longest trial.  The paper takes 1200 s of a game and 600 s of rest.
        layout : str or pathlib.Path, optional
            Folder of ``channel_locs.csv`` and ``channel_subregions.csv``; found by default.
        t_start, t_stop : quantities.Quantity, optional
            Part of each segment; all of it by default.
        allow_pickle : bool
            Whether channel numbers may be loaded from an array of Python objects.  Loading one
            can run any code that its author put into it: allow it for your own files alone.
        electrodes : str or pathlib.Path, optional
            Electrode map of a session; found beside the spikes by default.
        unplaced : {"keep", "drop"}, optional
            What becomes of a session's channels that the map leaves out; kept by default.
        sampling_rate : quantities.Quantity, optional
            Frames per second of a session, which its files do not say; 20 kHz, that of MaxOne,
            by default.
        **unknown : object
            Refused.

        Returns
        -------
        neo.Block
            Spikes lie in the middle of their bins.  Node ids are channel numbers, the subregion
            is that of the layout.  ``hit_count`` is a behaviour signal with a sample per bin, the
            hits of the running episode, averaged over joined trials, 0 behind the last episode;
            the episodes of a single trial are an epoch array.  Spikes of a session carry their
            ``amplitude`` as the server wrote it; events named ``game`` are its hits, misses and
            bounces; epochs are the phase, the episodes with ``hit_count`` and the motor layouts;
            a replay is a behaviour signal.  0 s is the first spike or event.  A channel's
            subregion is that of the layout at its place.

        Raises
        ------
        FileFormatError
            If a file is damaged, missing, or contradicts the others.
        InputError
            If an option is unknown, or names what is not there.

        References
        ----------
        .. [1] Khajehnejad et al. (2024), TAVRNN: temporal attention-enhanced variational graph
           RNN captures neural dynamics and behavior, arXiv:2410.00665.
        """
        import neo

        refuse_unknown(self, unknown)
        one_of(join, (None, "or", "segments"), "join")
        asked, path = asked_span_s(t_start, t_stop), Path(path)
        of_trials = {"join": join, "trials": trials, "bin_size": bin_size, "duration": duration,
                     "allow_pickle": allow_pickle or None}  # fmt: skip
        of_sessions = {"electrodes": electrodes, "unplaced": unplaced,
                       "sampling_rate": sampling_rate}  # fmt: skip
        if path.is_dir() or path.name.endswith((*SUFFIXES, ".cfg")):
            _refuse_given(of_trials, "spike words of trials", path)
            return read_session(
                path,
                SessionOptions(
                    asked=asked, sampling_rate_hz=_rate_hz(sampling_rate), channels=channels,
                    layout=layout, electrodes=electrodes, unplaced=unplaced or "keep",
                ),
            )  # fmt: skip
        _refuse_given(of_sessions, "sessions of the server", path)
        size_s = _BIN_SIZE_S if bin_size is None else duration_s(bin_size, "bin_size")
        found = [read_trial(item, allow_pickle=allow_pickle) for item in _files(path, join, trials)]
        n_bins = max(trial.n_bins for trial in found)
        if duration is not None:
            n_bins = max(1, round(duration_s(duration, "duration") / size_s))
        recorded = np.unique(np.concatenate([trial.channels for trial in found]))
        names = [str(item) for item in recorded]
        numbers = recorded[choose(channels, names, "recorded channel", path.name)]
        nodes = _nodes(numbers, read_layout(path, layout))
        block = neo.Block(name=path.name.removesuffix(SUFFIX), file_origin=path.name)
        for group in [found] if join == "or" else [[trial] for trial in found]:
            segment = _segment(group, numbers, nodes, size_s, n_bins, asked, path.name)
            block.segments.append(segment)
        block.annotate(
            chip_id=path.name.split(".")[0], trials=[trial.name for trial in found],
            joined=join or "no", bin_size_s=size_s,
        )  # fmt: skip
        return block


def _refuse_given(options: dict[str, Any], what: str, path: Path) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise InputError(
            f"'{path.name}' takes no option {some(given)}: only {what} do. Leave it out."
        )


def _rate_hz(rate: Any) -> float:
    if rate is None:
        return _DEVICE_RATE_HZ
    try:
        value = float(rate.rescale("Hz").magnitude)
    except (AttributeError, ValueError, TypeError):
        value = float("nan")
    if not 0 < value < float("inf"):
        raise InputError(f"sampling_rate must be a rate, such as 20000 Hz, got {rate!r}.")
    return value


def _files(path: Path, join: str | None, trials: Sequence[str] | None) -> list[Path]:
    if join is None:
        if trials is not None:
            raise InputError('trials needs join: "or" for one segment, "segments" for several.')
        return [path]
    same = [
        item
        for item in sorted(path.parent.glob(f"{path.name.split('.')[0]}.*{SUFFIX}"))
        if trials is not None or _is_game(item) == _is_game(path)
    ]
    known = [item.name.removesuffix(SUFFIX) for item in same]
    return [same[index] for index in choose(trials, known, "trial beside it", path.name)]


def _is_game(path: Path) -> bool | None:
    """Session numbers of games are even, those of rest odd; other names tell nothing."""
    parts = path.name.removesuffix(SUFFIX).removesuffix(".h5").split(".")
    return int(parts[-1]) % 2 == 0 if parts[-1].isdigit() else None


def _nodes(numbers: NDArray[np.int64], layout: Layout) -> Nodes:
    positions = None
    if layout.positions_um:
        nowhere = (np.nan, np.nan)
        positions = [layout.positions_um.get(int(number), nowhere) for number in numbers]
        missing = [int(number) for number in numbers if int(number) not in layout.positions_um]
        if len(missing) == len(numbers):
            raise FileFormatError(
                f"The layout names none of the {len(numbers)} recorded channels, such as "
                f"{some(map(str, missing))}. Name the folder of the right layout: layout=…"
            )
    return Nodes(
        ids=numbers,
        kind="channel",
        groups=[layout.subregions.get(int(number), "") for number in numbers],
        positions_um=positions,
        rows=numbers,
    )


def _segment(
    trials: list[Trial],
    numbers: NDArray[np.int64],
    nodes: Nodes,
    size_s: float,
    n_bins: int,
    asked: tuple[float, float],
    name: str,
) -> neo.Segment:
    import neo

    span = span_within(asked, (0.0, n_bins * size_s), name)
    words = np.concatenate([_words(trial, numbers, n_bins) for trial in trials])
    # Each pair of node and bin counts once: the OR over trials.
    owners, bins = np.divmod(np.unique(words), n_bins)
    segment = neo.Segment(
        name=trials[0].name if len(trials) == 1 else f"{len(trials)} trials", file_origin=name
    )
    segment.spiketrains.extend(
        spiketrains_of_table(
            (bins + 0.5) * size_s, owners, nodes, span, sampling_rate_hz=_DEVICE_RATE_HZ
        )
    )
    games = [trial for trial in trials if trial.episode_ends_s is not None]
    if games:
        hits = np.mean([_hits(trial, size_s, n_bins) for trial in games], axis=0)
        first, last = (round(limit / size_s) for limit in span)
        segment.analogsignals.append(
            make_signal(
                hits[first:last], name="hit_count", role="behavior", t_start_s=first * size_s,
                sampling_rate_hz=1.0 / size_s,
            )
        )  # fmt: skip
    if len(trials) == 1 and games:
        segment.epochs.append(_episodes(trials[0], span))
    return segment


def _words(trial: Trial, numbers: NDArray[np.int64], n_bins: int) -> NDArray[np.int64]:
    """Spikes of the chosen channels as numbers node * n_bins + bin."""
    channels = trial.channels[trial.rows]
    position = np.searchsorted(numbers, channels)
    position = np.minimum(position, len(numbers) - 1)
    kept = (numbers[position] == channels) & (trial.bins < n_bins)
    return position[kept] * n_bins + trial.bins[kept]


def _hits(trial: Trial, size_s: float, n_bins: int) -> NDArray[np.float64]:
    """Hits of the running episode in each bin; an episode ends with the bin of its end."""
    hits = np.zeros(n_bins)
    start = 0
    ends_s = [] if trial.episode_ends_s is None else trial.episode_ends_s.tolist()
    for end_s, count in zip(ends_s, trial.hit_counts.tolist(), strict=True):
        stop = int(np.ceil(round(end_s / size_s, 6)))
        hits[start:stop] = count
        start = stop
    return hits


def _episodes(trial: Trial, span: tuple[float, float]) -> neo.Epoch:
    import neo
    import quantities as pq

    ends_s = np.asarray(trial.episode_ends_s)
    starts_s = np.concatenate([[0.0], ends_s[:-1]])
    kept = (starts_s >= span[0]) & (starts_s < span[1])
    counts = trial.hit_counts[kept]
    return neo.Epoch(
        starts_s[kept] * pq.s,
        durations=(ends_s - starts_s)[kept] * pq.s,
        labels=np.array(["episode"] * len(counts), dtype=str),
        name="episodes",
        array_annotations={"hit_count": counts},
    )

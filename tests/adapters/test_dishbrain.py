from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq
import scipy.sparse

import tavrnn_ephys as te
from tavrnn_ephys.adapters.mea import DishBrainAdapter
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io.blocks import nodes_of_spiketrains
from tests.adapters.contract import ReaderContract
from tests.adapters.made_files import write_trial

WORDS = [[1, 0, 0, 1, 0, 0], [0, 0, 1, 0, 0, 1]]
EVENTS = "elapse_seconds,hit_count\n0.1,2\n0.25,1\n"
GAME = "8137b.2021-06-20.2.h5"


def read(path: Path, **options: Any) -> Any:
    return DishBrainAdapter().read(path, **options)


def times(segment: Any) -> dict[str, list[float]]:
    return {train.name: train.magnitude.round(6).tolist() for train in segment.spiketrains}


@pytest.fixture
def chip(tmp_path: Path) -> Path:
    """Two games and a rest of one chip, and a game of another."""
    write_trial(
        tmp_path, "8137b.2021-06-19.2.h5", [[1, 1, 0, 0]], [7], EVENTS.replace("2\n", "4\n")
    )
    write_trial(tmp_path, "8137b.2021-06-20.1.h5", [[1] * 4], [7])
    write_trial(tmp_path, "9501.2021-06-20.2.h5", [[1] * 4], [7])
    return write_trial(tmp_path, GAME, WORDS, [7.0, 3.0], EVENTS)


class TestMadeTrial(ReaderContract):
    adapter_class = DishBrainAdapter

    @pytest.fixture
    def file(self, chip: Path, recordings: Path) -> Path:
        for name in ("channel_locs.csv", "channel_subregions.csv"):
            content = (recordings / "dishbrain-layout" / name).read_bytes()
            (chip.parent / name).write_bytes(content)
        return chip


def test_spikes_lie_in_the_middle_of_their_bins(chip: Path) -> None:
    segment = read(chip).segments[0]
    assert times(segment) == {"3": [0.125, 0.275], "7": [0.025, 0.175]}
    assert float(segment.spiketrains[0].t_stop) == pytest.approx(0.3)


def test_binning_gives_the_words_back(chip: Path) -> None:
    activity = te.bin_activity(read(chip).segments[0], bin_size=50 * pq.ms)
    assert activity.values.tolist() == [WORDS[1], WORDS[0]]


def test_hits_are_behaviour_and_episodes_epochs(chip: Path) -> None:
    segment = read(chip).segments[0]
    signal = segment.analogsignals[0]
    assert (signal.name, signal.annotations["role"]) == ("hit_count", "behavior")
    assert signal.magnitude[:, 0].tolist() == [2, 2, 1, 1, 1, 0]
    assert segment.epochs[0].durations.magnitude.tolist() == pytest.approx([0.1, 0.15])
    assert segment.epochs[0].array_annotations["hit_count"].tolist() == [2, 1]


def test_trials_of_a_chip_are_joined_by_or(chip: Path) -> None:
    block = read(chip, join="or")
    segment = block.segments[0]
    assert times(segment) == {"3": [0.125, 0.275], "7": [0.025, 0.075, 0.175]}
    assert segment.analogsignals[0].magnitude[:, 0].tolist() == [3, 3, 1, 1, 1, 0]
    assert block.annotations["trials"] == ["8137b.2021-06-19.2.h5", GAME]


def test_trials_of_a_chip_are_kept_as_segments(chip: Path) -> None:
    block = read(chip, join="segments")
    assert [segment.name for segment in block.segments] == ["8137b.2021-06-19.2.h5", GAME]
    assert times(block.segments[0]) == {"3": [], "7": [0.025, 0.075]}
    named = read(chip, join="segments", trials=["8137b.2021-06-20.1.h5"])
    assert len(named.segments[0].spiketrains) == 1


def test_trials_are_cut_or_filled_up(chip: Path) -> None:
    short = read(chip, duration=0.15 * pq.s).segments[0]
    assert times(short) == {"3": [0.125], "7": [0.025]}
    long = read(chip, duration=1 * pq.s).segments[0]
    assert (float(long.spiketrains[0].t_stop), long.analogsignals[0].shape) == (1.0, (20, 1))


def test_part_is_read(chip: Path) -> None:
    segment = read(chip, channels=[3], t_start=0.1 * pq.s, t_stop=0.2 * pq.s).segments[0]
    assert times(segment) == {"3": [0.125]}
    assert segment.analogsignals[0].magnitude[:, 0].tolist() == [1, 1]


def test_layout_gives_positions_and_subregions(chip: Path, recordings: Path) -> None:
    trains = read(chip, layout=recordings / "dishbrain-layout").segments[0].spiketrains
    nodes = nodes_of_spiketrains(trains)
    assert nodes.groups.tolist() == ["right1", "right1"]
    assert nodes.positions_um is not None
    assert nodes.positions_um[0].tolist() == [3132.5, 1662.5]
    assert nodes_of_spiketrains(read(chip).segments[0].spiketrains).positions_um is None


def test_channel_numbers_may_lie_in_their_own_folder(chip: Path) -> None:
    folder = chip.parent / "Channel_Nums"
    folder.mkdir()
    numbers = chip.parent / f"{GAME}_channel_nums.npy"
    numbers.rename(folder / numbers.name)
    assert len(read(chip).segments[0].spiketrains) == 2


@pytest.mark.parametrize("file_format", ["csr", "csc", "coo"])
def test_sparse_formats_give_the_same(tmp_path: Path, file_format: str) -> None:
    path = write_trial(tmp_path, "a", WORDS, [1, 2], file_format=file_format)
    assert times(read(path).segments[0]) == {"1": [0.025, 0.175], "2": [0.125, 0.275]}


def test_object_arrays_are_refused_unless_asked_for(tmp_path: Path) -> None:
    path = write_trial(tmp_path, "a", WORDS, np.array([1, 2], dtype=object))
    with pytest.raises(FileFormatError, match="can run any code.*allow_pickle=True"):
        read(path)
    assert len(read(path, allow_pickle=True).segments[0].spiketrains) == 2


def test_trial_without_spikes_is_silent(tmp_path: Path) -> None:
    path = write_trial(tmp_path, "a", np.zeros((2, 4)), [1, 2])
    assert times(read(path).segments[0]) == {"1": [], "2": []}


@pytest.mark.parametrize(
    ("words", "channels", "events", "message"),
    [
        (WORDS, [1], None, "1 different channels in 1 entries for the 2 rows"),
        (WORDS, [1, 1], None, "1 different channels in 2 entries"),
        (WORDS, [1, -2], None, "whole and at least 0"),
        (WORDS, [1, 2.5], None, "whole and at least 0"),
        (WORDS, [1, np.nan], None, "whole and at least 0"),
        (WORDS, ["a", "b"], None, "damaged"),
        (np.multiply(WORDS, -1), [1, 2], None, "must be 0 or 1"),
        (np.multiply(WORDS, np.nan), [1, 2], None, "must be 0 or 1"),
        (WORDS, [1, 2], "hit_count\n3\n", "needs the columns 'elapse_seconds'"),
        (WORDS, [1, 2], "elapse_seconds,hit_count\n2,1\n1,1\n", "ascending"),
        (WORDS, [1, 2], "elapse_seconds,hit_count\nx,1\n", "ascending"),
        (WORDS, [1, 2], "elapse_seconds,hit_count\n1\n", "filled in every row"),
        (WORDS, [1, 2], "", "needs the columns"),
    ],
)
def test_contradictions_are_refused(
    tmp_path: Path, words: Any, channels: Any, events: Any, message: str
) -> None:
    with pytest.raises(FileFormatError, match=message):
        read(write_trial(tmp_path, "a", words, channels, events))


def test_missing_channel_numbers_are_named(chip: Path) -> None:
    (chip.parent / f"{GAME}_channel_nums.npy").unlink()
    with pytest.raises(FileFormatError, match="channel numbers of .* are missing"):
        read(chip)


@pytest.mark.parametrize(
    ("locations", "message"),
    [
        ("channel,x,y\n7,1,2\n7,1,2\n", "more than once: '7'"),
        ("channel,x,y\n7,a,2\n", "finite number"),
        ("channel,x\n7,2\n", "needs the columns"),
        ("channel,x,y\n99,1,2\n", "names none of the 2 recorded channels"),
    ],
)
def test_damaged_layout_is_refused(chip: Path, locations: str, message: str) -> None:
    (chip.parent / "channel_locs.csv").write_text(locations)
    with pytest.raises(FileFormatError, match=message):
        read(chip)


def test_sparse_matrix_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    path = write_trial(tmp_path, "a", WORDS, [1, 2])
    matrix = scipy.sparse.csr_array(np.array(WORDS))
    arrays = {"format": b"csr", "shape": matrix.shape, "data": matrix.data,
              "indices": matrix.indices, "indptr": matrix.indptr}  # fmt: skip
    for change in ({"indices": matrix.indices + 99}, {"indptr": matrix.indptr[::-1]},
                   {"format": b"dia"}, {"shape": (0, 6)}, {"data": matrix.data[:1]}):  # fmt: skip
        np.savez(path, **{**arrays, **change})
        with pytest.raises(FileFormatError, match="a_spikewords.npz"):
            read(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"join": "and"}, "must be one of"),
        ({"trials": ["x"]}, "trials needs join"),
        ({"join": "or", "trials": ["x"]}, "no trial beside it 'x'"),
        ({"channels": [5]}, "no recorded channel '5'"),
        ({"layout": "/nowhere"}, "holds neither"),
        ({"duration": 3}, "unit of time"),
    ],
)
def test_options_that_do_not_fit_are_refused(chip: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(chip, **options)

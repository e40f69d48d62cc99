"""``compare`` goes through files twice, one in memory at a time, and leaves out what it cannot."""

import gc
import json
import weakref

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError
from tavrnn_ephys.statistics.missing import missing_by_group
from tavrnn_ephys.studies.recordings import ComparisonConfig, compare_files, surveying
from tavrnn_ephys.studies.recordings.measuring import common_level, levels_of
from tests.test_cli import dated

CONFIG = ComparisonConfig(bin_size_s=0.05, window_length_s=5.0, group_by="genotype")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two cultures of each of two lines, one that is too short, and one that is damaged."""
    folder = tmp_path_factory.mktemp("passes")
    made = []
    for seed, (line, duration) in enumerate([*[("a", 10)] * 2, *[("b", 10)] * 2, ("b", 2)]):
        block = te.simulate_culture(n_nodes=20, duration=duration * pq.s, seed=seed)
        block.annotations["subject"] = {"subject_id": f"k{seed}", "genotype": line,
                                        "species": "Mus musculus"}  # fmt: skip
        made.append(te.write_nwb(dated(block), folder / f"c{seed}.nwb"))
    bad = folder / "bad.nwb"
    bad.write_bytes(made[0].read_bytes()[:3000])
    return [*made, bad]


@pytest.fixture(scope="module")
def found(files):
    with pytest.warns(DataLossWarning, match="2 of 6 files cannot be compared"):
        return compare_files(files, CONFIG)


def test_files_that_cannot_be_compared_are_told_with_their_group(found):
    missing = found.missing.set_index("file")
    assert list(missing.index) == ["c4", "bad"]
    assert "is damaged" in missing.loc["bad", "reason"]
    assert list(missing["group"]) == ["b", "unknown"]
    # One of three against none of two: no table of such margins is less likely.
    assert found.missing_p_value == pytest.approx(1.0)
    assert "Groups lack recordings equally" in str(found)


def test_the_others_are_compared_as_without_them(found, files):
    alone = compare_files(files[:4], CONFIG)
    assert found.recordings.equals(alone.recordings)
    assert found.effects.equals(alone.effects)
    assert alone.n_missing == 0


def test_files_left_out_are_told_by_status_one_and_in_a_table(files, tmp_path, capsys):
    out = tmp_path / "out"
    status = main(["compare", *map(str, files), "--bin-size", "50ms", "--window", "5s", "--out",
                   str(out), "--json"])  # fmt: skip
    assert status == 1
    assert [row["file"] for row in json.loads(capsys.readouterr().out)["missing"]] == ["c4", "bad"]
    assert (out / "missing.csv").read_text().startswith("file,reason")


def test_where_no_file_can_be_compared_the_first_reason_is_the_error(files):
    with pytest.raises(FileFormatError, match="'bad.nwb' is damaged"):
        compare_files([files[-1]], CONFIG)


def test_one_recording_is_in_memory_at_a_time(files, monkeypatch):
    blocks = []
    read = surveying.read_segment

    def noted(*arguments):
        gc.collect()
        assert [block for block in blocks if block() is not None] == []
        found = read(*arguments)
        blocks.append(weakref.ref(found[0]))
        return found

    monkeypatch.setattr(surveying, "read_segment", noted)
    compare_files(files[:4], CONFIG)
    assert len(blocks) == 4


def test_the_common_threshold_counts_each_recording_once():
    rng = np.random.default_rng(0)

    def sequence(n_windows, scale):
        weights = rng.uniform(-scale, scale, (n_windows, 12, 12))
        return te.ConnectivitySequence.from_array((weights + weights.swapaxes(1, 2)) / 2)

    long, short = sequence(400, 0.2), sequence(40, 1.0)
    level = common_level([levels_of(long), levels_of(short)])
    rows, columns = np.triu_indices(12, 1)
    shares = [(item.weights[:, rows, columns] > level).mean() for item in (long, short)]
    assert np.mean(shares) == pytest.approx(0.15, abs=0.002)


def test_many_weights_are_summed_up_by_windows_at_equal_distances(monkeypatch):
    from tavrnn_ephys.studies.recordings import measuring

    weights = np.zeros((10, 4, 4))
    weights[:] = np.arange(10)[:, None, None] / 10
    sequence = te.ConnectivitySequence.from_array(weights)
    monkeypatch.setattr(measuring, "_MOST_WEIGHTS", 6 * 5)
    levels = levels_of(sequence)
    assert np.isin([0.0, 0.2, 0.4, 0.6, 0.8], levels).all()
    assert not np.isin([0.1, 0.3, 0.5, 0.7, 0.9], levels).any()


@pytest.mark.parametrize(
    ("missing", "groups", "expected"),
    [([1, 1, 0, 0], "aabb", 1 / 3), ([0, 0, 0, 0], "aabb", None), ([1, 0, 1, 0], "aaaa", None)],
)
def test_missing_recordings_are_compared_between_groups(missing, groups, expected):
    found = missing_by_group([bool(item) for item in missing], list(groups))
    assert found == (None if expected is None else pytest.approx(expected))


def test_many_missing_of_one_of_three_groups_are_no_chance():
    groups = ["a"] * 20 + ["b"] * 20 + ["c"] * 20
    assert missing_by_group([group == "c" for group in groups], groups) < 0.001

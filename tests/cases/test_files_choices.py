"""What was chosen is said: by inspect, by one warning, by the page of each adapter."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import neo
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import (
    behavior_columns,
    behavior_signals,
    block_from_arrays,
    distinct_names,
    make_signal,
)
from tavrnn_ephys.io.choices import choices_of
from tavrnn_ephys.io.finding import list_adapters
from tavrnn_ephys.studies.inspection import inspect_file
from tests.adapters.contract import ReaderContract
from tests.cases.recordings import one_plane, save, suite2p_nwb, traces, two_planes

PAGES = Path(__file__).parents[2] / "docs/reference/adapters"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return save(two_planes(), tmp_path / "session.nwb")


def test_inspect_lists_every_candidate_with_the_reason(path: Path) -> None:
    with pytest.warns(DataLossWarning, match="2 ROI series"):
        found = inspect_file(path)
    (choice,) = found.choices
    assert choice.candidates == ("DfOverF/DfOverF0", "DfOverF/DfOverF1")
    assert choice.chosen == "DfOverF/DfOverF0"
    assert (
        "Choice:      ROI series: 'DfOverF/DfOverF0' of 'DfOverF/DfOverF0', 'DfOverF/DfOverF1', "
        "because it is ΔF/F, and of 2 such series it is the first in the file; others by "
        "--option series=NAME"
    ) in str(found).splitlines()


def test_choice_that_names_make_is_listed_without_a_warning(tmp_path: Path) -> None:
    found = inspect_file(save(suite2p_nwb(), tmp_path / "s.nwb"), options={"quality": "all"})
    (choice,) = found.choices
    assert choice.candidates == ("Fluorescence/plane0", "Deconvolved/plane0", "Neuropil/plane0")
    assert choice.reason == "it is fluorescence, and no ΔF/F is there"


def test_nothing_is_listed_where_nothing_was_chosen(tmp_path: Path) -> None:
    found = inspect_file(save(one_plane(traces(3)), tmp_path / "s.nwb"))
    assert found.choices == ()
    assert "Choice" not in str(found)


def test_file_of_our_own_says_itself_what_to_analyse(tmp_path: Path) -> None:
    with pytest.warns(DataLossWarning, match="6 ROI series"):
        block = te.read(save(suite2p_nwb(2), tmp_path / "s.nwb"), quality="all")
    with pytest.warns(DataLossWarning, match="are not written"):
        copy = te.write_nwb(block, tmp_path / "copy.nwb")
    assert choices_of(te.read(copy)) == ()


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_choice_is_one_warning_on_the_command_line(
    path: Path, form: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(path), *form]) == 0
    said = capsys.readouterr()
    assert said.err.count("holds 2 ROI series") == 1
    if form:
        document = json.loads(said.out)
        assert len(document["warnings"]) == 1
        assert document["choices"][0]["chosen"] == "DfOverF/DfOverF0"


def test_choice_is_kept_by_one_segment_of_a_block(path: Path) -> None:
    with pytest.warns(DataLossWarning, match="2 ROI series"):
        block = te.read(path)
    block.segments.append(neo.Segment())
    assert len(choices_of(te.io.blocks.one_segment(block, 0))) == 1


@pytest.mark.parametrize("name", sorted(list_adapters()))
def test_page_of_an_adapter_says_what_is_chosen_and_how_to_choose_otherwise(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    section = re.search(r"^## What is chosen\n(.+?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    for option in getattr(list_adapters()[name], "choices", {"choices": ""}):
        assert re.search(rf"`{option}\b", section[1]), option


class ReaderWithoutChoices:
    name = "plain"
    description = "a third-party reader"
    suffixes = (".plain",)

    def recognises(self, path: Path) -> bool:
        return False

    def read(self, path: Path, **options: Any) -> Any:
        if not path.is_file():
            raise FileFormatError(f"There is no file '{path}'. Check the path.")
        for name in sorted(set(options) - {"series"}):
            raise InputError(f"The adapter 'plain' has no option '{name}'. It has: series.")
        return te.block_from_arrays(spike_times=[[0.5]], t_stop=1 * pq.s)


class ReaderWithEmptyChoices(ReaderWithoutChoices):
    choices: Mapping[str, str] = {}


class ReaderWithAnUnknownChoice(ReaderWithoutChoices):
    choices: Mapping[str, str] = {"plane": "The first."}


class ReaderThatSaysNoSentence(ReaderWithoutChoices):
    choices: Mapping[str, str] = {"series": "first"}


class ReaderThatContradictsItself(ReaderWithoutChoices):
    choices: Mapping[str, str] = {"series": "The first series."}
    nothing_to_choose = "A file holds one series."


class ReaderThatChooses(ReaderWithoutChoices):
    choices: Mapping[str, str] = {"series": "The first series."}


class ReaderOfOneThing(ReaderWithoutChoices):
    nothing_to_choose = "A file holds one series."


def held_to_the_contract(reader: Any, folder: Path) -> None:
    contract = type("Contract", (ReaderContract,), {"adapter_class": reader})()
    (folder / "file.plain").write_text("plain")
    contract.test_says_what_it_chooses_and_how_to_choose_otherwise(folder / "file.plain", folder)


@pytest.mark.parametrize(
    ("reader", "demand"),
    [
        (ReaderWithoutChoices, "declare ReaderWithoutChoices.choices: by option"),
        (ReaderWithEmptyChoices, "say why in ReaderWithEmptyChoices.nothing_to_choose"),
        (ReaderWithAnUnknownChoice, "names 'plane', which ReaderWithAnUnknownChoice.read does not"),
        (ReaderThatSaysNoSentence, "says 'first' where a sentence is needed"),
        (ReaderThatContradictsItself, "declare ReaderThatContradictsItself.choices"),
    ],
)
def test_contract_demands_choices_of_third_party_adapters(
    reader: Any, demand: str, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match=re.escape(demand)):
        held_to_the_contract(reader, tmp_path)


@pytest.mark.parametrize("reader", [ReaderThatChooses, ReaderOfOneThing])
def test_contract_lets_pass_who_says_what_is_chosen_or_that_nothing_is(
    reader: Any, tmp_path: Path
) -> None:
    held_to_the_contract(reader, tmp_path)


# Blocks from elsewhere


def test_names_that_repeat_are_numbered() -> None:
    assert distinct_names(["a", "b", "a", "a_0"]) == ["a_1", "b", "a_2", "a_0"]


def test_second_behaviour_of_a_name_does_not_hide_the_first() -> None:
    block = block_from_arrays(traces=traces(3).T, sampling_rate=10 * pq.Hz)
    segment = block.segments[0]
    for value in (1.0, 2.0):
        segment.analogsignals.append(
            make_signal(np.full(4, value), name="speed", role="behavior", sampling_rate_hz=1.0)
        )
    assert list(behavior_signals(segment)) == ["speed_0", "speed_1"]
    assert [values[0] for _, values in behavior_columns(segment).values()] == [1.0, 2.0]


def test_behaviour_sampled_out_of_order_is_in_the_order_of_time() -> None:
    segment = neo.Segment()
    segment.irregularlysampledsignals.append(
        neo.IrregularlySampledSignal(
            [3.0, 1.0, 2.0], [30.0, 10.0, 20.0], units="m", time_units="s", name="x",
            role="behavior",
        )
    )  # fmt: skip
    times, values = behavior_columns(segment)["x"]
    assert (times.tolist(), values.tolist()) == ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0])


def test_half_precision_is_widened_before_sums_overflow() -> None:
    block = block_from_arrays(
        traces=np.full((2, 40), 6e4, dtype=np.float16), sampling_rate=10 * pq.Hz
    )
    activity = te.bin_activity(block.segments[0], bin_size=1 * pq.s)
    np.testing.assert_allclose(activity.values, 6e4, rtol=1e-3)


def test_spike_times_of_arrays_that_begin_late_start_with_the_first() -> None:
    times = [np.linspace(4397.0, 4500.0, 50), np.linspace(4400.0, 4499.0, 50)]
    with pytest.warns(DataLossWarning, match="first spike lies at 4397 s"):
        block = te.block_from_arrays(spike_times=times)
    assert float(block.segments[0].spiketrains[0].t_start) == 4397.0
    block = te.block_from_arrays(spike_times=times, t_start=0 * pq.s)
    assert float(block.segments[0].spiketrains[0].t_start) == 0.0


def test_early_first_spike_leaves_the_start_at_zero() -> None:
    block = te.block_from_arrays(spike_times=[[30.0, 100.0], [90.0, 2000.0]])
    assert float(block.segments[0].spiketrains[0].t_start) == 0.0


def test_spike_times_in_milliseconds_draw_a_word() -> None:
    with pytest.warns(DataLossWarning, match="All 120 spike times of 'arrays' are whole numbers"):
        te.block_from_arrays(spike_times=[np.arange(0.0, 12000.0, 100.0)])


def test_linear_track_starts_where_its_file_says(recordings: Path) -> None:
    train = te.datasets.load("rat-linear-track").segments[0].spiketrains[0]
    assert (float(train.t_start), float(train.t_stop)) == (4396.9975, 6365.2707)


def test_lazily_read_neo_block_is_binned(recordings: Path) -> None:
    path = str(recordings / "formats/neo/nex/File_neuroexplorer_1.nex")
    reader = neo.io.NeuroExplorerIO(path)
    lazy, loaded = reader.read_segment(lazy=True), reader.read_segment()
    assert any(hasattr(train, "load") for train in lazy.spiketrains)
    with pytest.warns(DataLossWarning, match="outside"):
        expected = te.bin_activity(loaded, bin_size=1 * pq.s, source="spiketrains")
    with pytest.warns(DataLossWarning, match="outside"):
        found = te.bin_activity(lazy, bin_size=1 * pq.s, source="spiketrains")
    np.testing.assert_array_equal(found.values, expected.values)
    assert any(hasattr(train, "load") for train in lazy.spiketrains)

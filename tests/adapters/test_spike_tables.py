"""Spike tables as people write them: each read right, or asked about."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.adapters.tables import SpikeTableAdapter
from tavrnn_ephys.adapters.tables._names import base_and_unit
from tavrnn_ephys.core.errors import (
    DataLossWarning,
    FileFormatError,
    InputError,
    MissingDependencyError,
)
from tavrnn_ephys.io.blocks import nodes_of_spiketrains
from tavrnn_ephys.io.finding import find_adapter
from tests.adapters.contract import ReaderContract

# Three units; times in seconds.
SPIKES = {"1": [0.5, 1.25, 2.75], "2": [0.75, 3.0], "7": [1.5]}
ROWS = sorted((time, name) for name, times in SPIKES.items() for time in times)


def read(path: Path, **options: Any) -> Any:
    return SpikeTableAdapter().read(path, **options)


def trains(block: Any) -> dict[str, list[float]]:
    segment = block.segments[0]
    return {train.name: train.magnitude.round(9).tolist() for train in segment.spiketrains}


def write(folder: Path, text: str, name: str = "spikes.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def lines(factor: float = 1.0, between: str = ",", order: Any = ROWS) -> str:
    return "".join(f"{time * factor:g}{between}{name}\n" for time, name in order)


# ---- the contract, for each kind of file -------------------------------------


class TableContract(ReaderContract):
    adapter_class = SpikeTableAdapter
    ending = ".json"

    def _assert_refused(self, folder: Path, content: bytes) -> None:
        copy = folder / f"copy{self.ending}"
        copy.write_bytes(content)
        # Text with a time and a unit is a table; what its times mean is asked.
        wanted = InputError if content.startswith(b"time,unit") else FileFormatError
        with pytest.raises(wanted, match=f"'{copy.name}'") as caught:
            self.adapter_class().read(copy, **self.options)
        assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")
class TestJson(TableContract):
    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "cl1-spikes/organoid_2.json"


class TestArray(TableContract):
    ending = ".npy"

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        kind = [("time_s", "<f8"), ("unit", "<i4"), ("amplitude", "<f4")]
        table = np.array([(0.1 * index, index % 5, -40) for index in range(40)], dtype=kind)
        np.save(tmp_path / "spikes.npy", table)
        return tmp_path / "spikes.npy"


class TestParquet(TableContract):
    ending = ".parquet"

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        frame = pd.DataFrame(ROWS, columns=["time_s", "unit"])
        frame.to_parquet(tmp_path / "spikes.parquet")
        return tmp_path / "spikes.parquet"


# ---- layouts as people write them --------------------------------------------

LAYOUTS = {
    "header with unit": ("time_s,unit\n" + lines(), {}),
    "header in words": ("Time (s),Channel\n" + lines(), {}),
    "milliseconds": ("spike_time_ms,neuron\n" + lines(1e3), {}),
    "microseconds": ("Timestamps [µs],cluster_id\n" + lines(1e6), {}),
    "frames with a rate": ("frame,channel\n" + lines(20000), {"sampling_rate": 20 * pq.kHz}),
    "unit asked for": ("time,channel\n" + lines(1e3), {"time_unit": "ms"}),
    "semicolons, decimal comma": (
        "time_s;channel\n" + lines(between=";").replace(".", ","), {}
    ),
    "tabs": ("time_s\tchannel\n" + lines(between="\t"), {}),
    "blanks": ("time_s channel\n" + lines(between="   "), {}),
    "comment as header": ("# recorded by me\n# time_s,channel\n" + lines(), {}),
    "quoted": ('"time_s","channel"\n' + lines(), {}),
    "unsorted": ("time_s,channel\n" + lines(order=ROWS[::-1]), {}),
    "columns turned": (
        "channel,time_s\n" + "".join(f"{name},{time}\n" for time, name in ROWS), {}
    ),
    "more columns": (
        "trial,time_s,channel,quality\n" + "".join(f"1,{t},{n},good\n" for t, n in ROWS), {}
    ),
    "names of one's own": (
        "when,who\n" + lines(), {"time_column": "when", "node_column": "who", "time_unit": "s"}
    ),
    "Windows line ends": ("time_s,channel\r\n" + lines().replace("\n", "\r\n"), {}),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.filterwarnings("error")
def test_layout_is_read(tmp_path: Path, layout: str) -> None:
    text, options = LAYOUTS[layout]
    assert trains(te.read(write(tmp_path, text), adapter="spike_table", **options)) == SPIKES


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if "one's own" not in name])
def test_layout_is_recognised_by_this_adapter_alone(tmp_path: Path, layout: str) -> None:
    assert find_adapter(write(tmp_path, LAYOUTS[layout][0])).name == "spike_table"


@pytest.mark.parametrize("turned", [False, True])
def test_table_without_header_is_told_by_its_values(tmp_path: Path, turned: bool) -> None:
    rows = [(name, time) if turned else (time, name) for time, name in ROWS]
    path = write(tmp_path, "".join(f"{one},{other}\n" for one, other in rows))
    said = f"column {int(turned)} is read as time in s, column {int(not turned)} as channel"
    with pytest.warns(DataLossWarning, match=f"no names tell its columns, so {said}"):
        assert trains(te.read(path, time_unit="s")) == SPIKES


def test_amplitude_without_header_is_kept(tmp_path: Path) -> None:
    rows = [(0.5, 1, -42.5), (1.0, 2, -10.25), (1.5, 1, -30.0), (2.0, 2, -11.0)]
    path = write(tmp_path, "".join(f"{a}\t{b}\t{c}\n" for a, b, c in rows), "spikes.tsv")
    with pytest.warns(DataLossWarning, match="column 2 as amplitude"):
        train = te.read(path, time_unit="s").segments[0].spiketrains[0]
    assert train.array_annotations["amplitude"].tolist() == [-42.5, -30.0]


def test_unit_of_times_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "time,channel\n" + lines(1e3))
    said = r"'time'\) have no unit; the last one, 3000, would be 50 min in s, 3 s in ms.*time_unit="
    with pytest.raises(InputError, match=said):
        te.read(path)
    # The way out leads there.
    assert trains(te.read(path, time_unit="ms")) == SPIKES


def test_missing_rate_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "sample,unit\n" + lines(20000))
    with pytest.raises(InputError, match="counts time in frames and says no rate.*sampling_rate="):
        te.read(path)


@pytest.mark.parametrize(
    "text",
    ["5,1\n4,2\n3,9\n2,3\n", "1,1\n2,2\n3,3\n", "a,b\nc,d\ne,f\n", "0.5,0.1\n0.7,0.3\n1,2\n"],
)
def test_columns_that_values_do_not_tell_are_asked_for(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError, match="Name them: time_column=… and node_column=…"):
        read(path, time_unit="s")


def test_repeated_spikes_count_once(tmp_path: Path) -> None:
    path = write(tmp_path, "time_s,channel\n" + lines(order=[*ROWS, ROWS[0], ROWS[0]]))
    with pytest.warns(DataLossWarning, match="2 rows repeat a spike and are left out"):
        assert trains(te.read(path)) == SPIKES
    assert sum(map(len, trains(te.read(path, duplicates="keep")).values())) == 8


def test_negative_times_are_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path, "time_s,channel\n-0.25,1\n" + lines())
    with pytest.raises(InputError, match=r"1 of 7 spikes .*t_start=-0\.25s keeps.*t_start=0s leav"):
        te.read(path)
    assert trains(te.read(path, t_start=-0.25 * pq.s))["1"][0] == -0.25
    assert trains(te.read(path, t_start=0 * pq.s)) == SPIKES


def test_rows_without_a_channel_are_left_out_and_told(tmp_path: Path) -> None:
    path = write(tmp_path, "time_s,channel\n" + lines() + "3.5,\n3.75,\n")
    with pytest.warns(DataLossWarning, match="2 rows name no channel or unit and are left out"):
        assert trains(te.read(path)) == SPIKES


def test_silent_channels_are_nodes_where_their_number_is_known(tmp_path: Path) -> None:
    path = write(tmp_path, "time_s,channel\n" + lines())
    found = trains(te.read(path, n_channels=8))
    assert list(found) == [str(number) for number in range(8)]
    assert found["0"] == []
    with pytest.raises(InputError, match="not among 4 numbered from 0 or 1"):
        te.read(path, n_channels=4)


def test_channels_numbered_from_one_are_understood(tmp_path: Path) -> None:
    path = write(tmp_path, "time_s,channel\n0.5,1\n1.0,4\n")
    assert list(trains(te.read(path, n_channels=4))) == ["1", "2", "3", "4"]


def test_names_of_units_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path, "time_s,unit\n0.5,u2\n0.25,pyr-1\n")
    block = te.read(path)
    assert trains(block) == {"pyr-1": [0.25], "u2": [0.5]}
    assert nodes_of_spiketrains(block.segments[0].spiketrains).kind == "unit"


@pytest.mark.parametrize(("order", "place"), [("rows", [200, 600]), ("columns", [600, 200])])
def test_positions_follow_from_grid_and_pitch(tmp_path: Path, order: str, place: list) -> None:
    """Channel 25 is the second of the fourth row, or of the fourth column."""
    path = write(tmp_path, "time_s,channel\n0.5,0\n1.0,25\n")
    block = te.read(path, grid="8x8", grid_order=order, electrode_pitch=200 * pq.um)
    nodes = nodes_of_spiketrains(block.segments[0].spiketrains)
    assert nodes.positions_um.tolist() == [[0, 0], place]


def test_part_and_length_are_chosen(tmp_path: Path) -> None:
    path = write(tmp_path, "time_s,channel\n" + lines())
    segment = te.read(path, t_start=1 * pq.s, t_stop=10 * pq.s, channels=["2"]).segments[0]
    (train,) = segment.spiketrains
    assert (train.magnitude.tolist(), float(train.t_start), float(train.t_stop)) == ([3.0], 1, 10)


# ---- JSON and NumPy ----------------------------------------------------------

JSON = {
    "pairs": [[time, name] for time, name in ROWS],
    "objects": [{"time_s": time, "unit": name} for time, name in ROWS],
    "lists": {"time_s": [time for time, _ in ROWS], "unit": [name for _, name in ROWS]},
    "lists below": {"spikes": {"time_s": [time for time, _ in ROWS],
                               "unit": [name for _, name in ROWS]}},
    "frames": {"fs": 1000, "frame": [1000 * time for time, _ in ROWS],
               "channel": [int(name) for _, name in ROWS]},
}  # fmt: skip


@pytest.mark.parametrize("layout", JSON)
@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")
def test_json_is_read(tmp_path: Path, layout: str) -> None:
    path = write(tmp_path, json.dumps(JSON[layout]), "spikes.json")
    assert find_adapter(path).name == "spike_table"
    options = {"time_unit": "s"} if layout == "pairs" else {}
    assert trains(te.read(path, **options)) == SPIKES


@pytest.mark.parametrize("layout", ["rows", "columns", "archive", "settings"])
@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")
def test_numpy_is_read(tmp_path: Path, layout: str) -> None:
    table = np.array([(time, int(name)) for time, name in ROWS])
    path, options = tmp_path / ("spikes.npz" if layout in ("archive", "settings") else "s.npy"), {}
    if layout == "archive":
        np.savez(path, time_s=table[:, 0], units=table[:, 1], waveforms=np.zeros((6, 30)))
    elif layout == "settings":
        np.savez(path, frames=table[:, 0] * 1000, channels=table[:, 1], sampling_rate=1000.0)
    else:
        np.save(path, table if layout == "rows" else table.T)
        options = {"time_unit": "s"}
    assert find_adapter(path).name == "spike_table"
    assert trains(te.read(path, **options)) == SPIKES


def test_settings_of_a_file_are_used(tmp_path: Path) -> None:
    content = {"meta": {"sampling_freq": 10, "duration_frames": 100, "channels": 3,
                        "spike_count": 3}, "spikes": [[5, 1], [15, 0], [95, 1]]}  # fmt: skip
    path = write(tmp_path, json.dumps(content), "spikes.json")
    with pytest.warns(DataLossWarning, match="read as time in frames"):
        segment = te.read(path).segments[0]
    assert float(segment.t_stop) == 10.0
    assert [train.magnitude.tolist() for train in segment.spiketrains] == [[1.5], [0.5, 9.5], []]


def test_count_that_does_not_hold_is_told(tmp_path: Path) -> None:
    content = {"spike_count": 4, "fs": 10, "frame": [1, 2], "channel": [1, 1]}
    path = write(tmp_path, json.dumps(content), "spikes.json")
    with pytest.warns(DataLossWarning, match="claims 4 spikes and holds 2"):
        te.read(path)


def test_spikes_behind_the_end_are_told(tmp_path: Path) -> None:
    content = {"duration_s": 2.0, "time_s": [0.5, 1.0, 3.0], "channel": [1, 1, 1]}
    path = write(tmp_path, json.dumps(content), "spikes.json")
    with pytest.warns(DataLossWarning, match="1 spikes lie behind its duration of 2 s"):
        assert trains(te.read(path)) == {"1": [0.5, 1.0]}


# ---- what is refused ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time_s,channel\n", "no row below the header"),
        ("time_s,channel\n0.5,1\n0.7\n", "line 3 has fewer than 2 cells"),
        ("time_s channel\n0.5 1\n0.7\n", "line 3 has fewer than 2 cells"),
        ("time_s,channel\n0.5,1\nx,2\n", "Line 3 of 'spikes.csv' holds 'x' where a time"),
        ("time_s,channel\n0.5,1\n,2\n", "Line 3 of 'spikes.csv' holds 'nan' where a time"),
        ("time_s,channel\n0.5,1.5\n", "Line 2 of 'spikes.csv' names the channel or unit 1.5"),
        ("time_s,channel\n0.5,1,3\n0.5,1\n", "no spike table"),
    ],
)
def test_rows_that_are_no_spikes_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(FileFormatError, match=message):
        te.read(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_column": "x"}, "no column 'x' for time_column; it has 'time_s', 'channel'"),
        ({"time_unit": "hours"}, "must be one of"),
        ({"sampling_rate": 3}, "must be a rate"),
        ({"grid": "8x8"}, "need both"),
        ({"grid": "1x1", "electrode_pitch": 1 * pq.um}, "has 1 places"),
        ({"duplicates": "maybe"}, "must be one of"),
        ({"channels": ["9"]}, "no channel or unit '9'"),
        ({"t_start": 9 * pq.s}, "t_start must lie before"),
        ({"n_channels": 10**9}, "more than any array has"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(write(tmp_path, "time_s,channel\n" + lines()), **options)


def test_parquet_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "spikes.parquet"
    pd.DataFrame(ROWS, columns=["time_s", "unit"]).to_parquet(path)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'tavrnn_ephys\[parquet\]'"):
        te.read(path)


def test_tables_of_other_things_are_not_recognised(recordings: Path, tmp_path: Path) -> None:
    adapter = SpikeTableAdapter()
    others = [
        *recordings.glob("mouse-dg-calcium/*.csv"), *recordings.glob("dishbrain-layout/*.csv"),
        *recordings.glob("axion-spikelist/*"), *recordings.glob("mouse-ca1-miniscope/**/*.csv"),
        *recordings.glob("formats/suite2p/plane0/*.npy"), *recordings.glob("*/*.txt"),
        *recordings.glob("**/*.npz"),
    ]  # fmt: skip
    assert len(others) > 12
    assert [path.name for path in others if adapter.recognises(path)] == []
    for name, content in {"a.csv": "x,y\n1,2\n3,4\n", "b.json": '{"time": 3}', "c.json": "[[1]]",
                          "d.csv": "time_s,speed\n0,1\n1,2\n",
                          "e.txt": "a text of\nthree lines\nof 3",
                          }.items():  # fmt: skip
        assert not adapter.recognises(write(tmp_path, content, name)), name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("time_ms", ("time", "ms")), ("t", ("t", "")), ("spikeTimes (us)", ("spike times", "us")),
        ("time_samples", ("time", "frames")), ("FrameNo", ("frame no", "frames")),
        ("amplitude_uV", ("amplitude", "uv")), ("Electrode ID", ("electrode id", "")),
        ("units", ("units", "")), ("ms", ("", "ms")),
    ],
)  # fmt: skip
def test_names_of_columns_are_understood(name: str, expected: tuple[str, str]) -> None:
    assert base_and_unit(name) == expected


# ---- the real recordings -----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n_spikes", "n_active"),
    [("monolayer_1", 95950, 53), ("monolayer_3", 2468, 24), ("organoid_2", 5685, 25)],
)
def test_cl1_is_what_plain_code_counts(
    recordings: Path, name: str, n_spikes: int, n_active: int
) -> None:
    path = recordings / f"cl1-spikes/{name}.json"
    plain = np.array(json.loads(path.read_text())["spikes"])
    counts = np.bincount(plain[:, 1], minlength=64)
    assert (len(plain), np.count_nonzero(counts)) == (n_spikes, n_active)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataLossWarning)
        segment = te.read(path, grid="8x8", electrode_pitch=200 * pq.um).segments[0]
    assert [len(train) for train in segment.spiketrains] == counts.tolist()
    assert segment.spiketrains[int(plain[0, 1])][0] == pytest.approx(plain[0, 0] / 25000)
    assert float(segment.t_stop) == 300.0
    positions = nodes_of_spiketrains(segment.spiketrains).positions_um
    assert positions.max() == 1400.0
    assert len(np.unique(positions, axis=0)) == 64

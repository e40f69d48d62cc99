"""Network states of a recording, from the command line to the file and back."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import quantities as pq
from matplotlib.figure import Figure
from pynwb import NWBHDF5IO
from pynwb.epoch import TimeIntervals

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import STATE_TABLES
from tavrnn_ephys.core.spec import ConnectivitySpec, StateSpec, from_facts, to_facts
from tavrnn_ephys.figures import plot_state_graph, plot_state_times
from tavrnn_ephys.networks.states.durations import durations_of
from tavrnn_ephys.networks.states.stretches import stay_starts, stretch_lengths
from tavrnn_ephys.statistics.welch import welch_p_values
from tavrnn_ephys.studies.states.behavior import behaviors_of_states, states_decode_behavior
from tavrnn_ephys.studies.states.finding import states_of
from tests.networks.test_states import made, patterns, stays
from tests.test_cli import dated

pytestmark = pytest.mark.filterwarnings("ignore:.*differ no more coherently.*")
CHOICES = ["--bin-size", "10ms", "--window", "2s", "--step", "2s", "--training-epochs", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("states")
    block = te.simulate_culture(n_nodes=20, duration=160 * pq.s, mean_rate_hz=15.0, seed=1)
    source = te.write_nwb(dated(block), folder / "culture.nwb")
    asked = ["--states", "auto", "--out", str(folder / "out.nwb"), "--tables",
             str(folder / "tables"), "--figures", str(folder / "figures"), "--report",
             str(folder / "page.html")]  # fmt: skip
    assert main(["analyze", str(source), *CHOICES, *asked]) == 0
    return folder


def test_stays_are_intervals_that_pynwb_knows(folder):
    with NWBHDF5IO(folder / "out.nwb", "r") as io:
        table = io.read().processing["ecephys"]["tavrnn_table_state_visits"]
        assert isinstance(table, TimeIntervals)
        starts, stops = table["start_time"][:], table["stop_time"][:]
    assert (starts[1:] == stops[:-1]).all()
    assert (starts[0], stops[-1]) == (0.0, 160.0)


def test_tables_of_the_file_are_those_of_the_folder(folder):
    with te.open_results(folder / "out.nwb") as run:
        stored = {name: table for name, table in run.tables.items() if name in STATE_TABLES}
    assert {"state_visits", "state_pairs", "state_blocks", "state_behavior"} <= set(stored)
    for name, table in stored.items():
        written = pd.read_csv(folder / "tables" / f"{name}.csv", keep_default_na=True)
        pd.testing.assert_frame_equal(table, written, check_dtype=False)
        assert all(table.attrs["columns"].values()), name


def test_states_follow_the_coupling_and_the_behaviour_goes_with_them(folder):
    with te.open_results(folder / "out.nwb") as run:
        tables = dict(run.tables)
    assert len(tables["state_summary"]) == 2
    assert (tables["state_behavior"]["q_value"] < 0.05).all()
    assert (tables["state_pairs"]["q_value"] < 0.05).sum() > 4
    assert tables["state_decoding"]["p_value"].max() < 0.05


def test_a_run_with_states_comes_out_equal(folder, capsys):
    assert main(["reproduce", str(folder / "out.nwb")]) == 0
    assert "table state_pairs" in capsys.readouterr().out


def test_page_and_pictures_show_the_states(folder):
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert 'id="state-times"' in page
    assert 'id="state-graphs"' in page
    assert "2 network states." in page
    assert {path.stem for path in (folder / "figures").glob("state_*")} == {
        "state_times", "state_graphs",
    }  # fmt: skip


def test_stays_become_an_epoch_of_neo(folder):
    results = te.read_results(folder / "out.nwb", what="all")
    epochs = {epoch.name: epoch for epoch in te.results_to_neo(results).segments[0].epochs}
    states = epochs["states"]
    assert set(states.labels) == {"state 0", "state 1"}
    np.testing.assert_allclose(states.durations.rescale("s").magnitude.sum(), 160.0)


def test_a_given_number_is_stored_and_few_windows_are_refused(folder, tmp_path, capsys):
    source = str(folder / "culture.nwb")
    out = str(tmp_path / "out.nwb")
    long = ["--bin-size", "10ms", "--window", "10s", "--step", "10s", "--training-epochs", "1"]
    assert main(["analyze", source, *long, "--states", "2", "--out", out]) == 2
    said = capsys.readouterr().err
    assert "16 windows are too few to tell states apart; 20 are needed" in said
    assert not (tmp_path / "out.nwb").exists()
    assert main(["analyze", source, *long, "--states", "two", "--out", out]) == 2


def test_tables_need_a_behaviour_or_states(folder, tmp_path, capsys):
    arguments = [str(folder / "culture.nwb"), *CHOICES, "--out", str(tmp_path / "out.nwb")]
    assert main(["analyze", *arguments, "--tables", str(tmp_path / "t")]) == 2
    assert "or ask for --states" in capsys.readouterr().err


def test_choices_are_facts_and_back():
    for spec in (StateSpec(), StateSpec(n_states=3, method="kmeans", seed=2)):
        assert from_facts(StateSpec, to_facts(spec)) == spec
    with pytest.raises(InputError, match="whole number, or 'auto'"):
        StateSpec(n_states="many")
    with pytest.raises(InputError, match="19 are needed"):
        StateSpec(n_surrogates=5)


# ---- what sets a state apart ---------------------------------------------------


def test_pairs_that_differ_are_found_and_the_others_are_not():
    shapes = np.zeros((2, 66))
    shapes[1, :20] = 0.3
    connectivity = made(stays(2), shapes)
    found = te.state_differences(connectivity, te.network_states(connectivity, n_states=2))
    apart = (found.pairs["q_value"] < 0.05).to_numpy().reshape(2, -1)
    assert apart[:, :20].all()
    # A false discovery or two among 46 pairs is what q < 0.05 allows.
    assert apart[0, 20:].sum() <= 3
    np.testing.assert_allclose(found.pairs["difference"].to_numpy()[:66],
                               -found.pairs["difference"].to_numpy()[66:])  # fmt: skip


def test_states_of_chance_have_pairs_apart_only_where_states_saw_them():
    connectivity = made(np.zeros(144, int), np.zeros((1, 66)), seed=3)
    found = te.network_states(connectivity, n_states=2)
    table = te.state_differences(connectivity, found).pairs
    assert (table["p_value"] < 0.05).mean() < 0.12
    assert (table["q_value"] < 0.05).sum() <= 1


def test_what_rates_explain_sets_no_state_apart():
    shapes = np.zeros((2, 66))
    shapes[1, :20] = 0.3
    connectivity = made(stays(2), shapes)
    states = te.network_states(connectivity, n_states=2)
    rates = [made(stays(2), shapes, seed=10 + draw) for draw in range(19)]
    explained = te.state_differences(connectivity, states, surrogates=rates).pairs
    assert (explained["q_value"] < 0.05).sum() <= 2


def test_blocks_of_groups_are_tested_without_their_own_pairs():
    shapes = np.zeros((2, 66))
    rows, columns = np.triu_indices(12, 1)
    shapes[1, (rows < 6) & (columns < 6)] = 0.25
    shapes[1, (rows >= 6) & (columns >= 6)] = 0.25
    one = made(stays(2), shapes)
    nodes = te.Nodes(ids=one.nodes.ids, groups=["a"] * 6 + ["b"] * 6)
    grouped = te.ConnectivitySequence(
        weights=one.weights, windows=one.windows, nodes=nodes, measure="pearson"
    )
    blocks = te.state_differences(grouped, te.network_states(grouped, n_states=2)).blocks
    apart = blocks[blocks["q_value"] < 0.05]
    assert set(zip(apart["group_1"], apart["group_2"], strict=True)) == {("a", "a"), ("b", "b")}


@pytest.mark.parametrize("true", [np.repeat([0, 1], 40), np.repeat([0, 1, 0], [40, 20, 40])])
def test_one_block_of_a_state_gets_a_sentence_and_no_p_value(true):
    connectivity = made(true, patterns(2))
    states = te.network_states(connectivity, n_states=2)
    found = te.state_differences(connectivity, states)
    assert found.pairs["p_value"].isna().all()
    assert any("has 1 stay, and all others" in note for note in found.notes)
    behavior = {"speed": np.random.default_rng(0).normal(size=len(true))}
    table, _ = behaviors_of_states(states, behavior, n_nulls=99, seed=0)
    assert table["p_value"].isna().all()
    decoding, notes = states_decode_behavior(connectivity, states, behavior, n_nulls=99, seed=0)
    assert decoding.empty
    assert "fewer than 3 stays" in notes[0]


def test_a_silent_recording_has_no_states():
    silent = made(np.zeros(40, int), np.zeros((1, 66)), noise=0.0)
    with pytest.raises(InputError, match="same in all windows, as that of a silent recording is"):
        te.network_states(silent)


def test_connectivity_of_other_windows_is_refused():
    states = te.network_states(made(stays(2), patterns(2)), n_states=2)
    with pytest.raises(InputError, match="other nodes or windows"):
        te.state_differences(made(stays(2, n_stays=10), patterns(2)), states)


# ---- behaviour -----------------------------------------------------------------


def irregular():
    """Stays of unequal length: shifts of regular ones would fall on the behaviour itself."""
    lengths = np.random.default_rng(2).integers(3, 10, 24)
    return np.repeat(np.arange(24) % 2, lengths)


def test_behaviour_that_follows_a_state_is_found_and_noise_is_not():
    true = irregular()
    states = te.network_states(made(true, patterns(2)), n_states=2)
    rng = np.random.default_rng(0)
    columns = {
        "speed": true + rng.normal(size=len(true)),
        "noise": rng.normal(size=len(true)),
        "place": np.where(true == 1, "corridor", "nest"),
    }
    table, notes = behaviors_of_states(states, columns, n_nulls=199, seed=0)
    q = table.groupby("behavior")["q_value"].min()
    assert q["speed"] < 0.05
    assert q["place: nest"] < 0.05
    assert q["noise"] > 0.05
    assert notes == ()


def test_behaviour_is_told_from_states_of_other_blocks():
    true = irregular()
    connectivity = made(true, patterns(2))
    states = te.network_states(connectivity, n_states=2)
    rng = np.random.default_rng(1)
    columns = {
        "speed": true + rng.normal(size=len(true)),
        "noise": rng.normal(size=len(true)),
        "place": np.where(true == 1, "corridor", "nest"),
        "always": np.full(len(true), 3.0),
    }
    table, _ = states_decode_behavior(connectivity, states, columns, n_nulls=99, seed=0)
    p = table.set_index("behavior")["p_value"]
    assert p["speed"] < 0.05
    assert p["place"] < 0.05
    assert p["noise"] > 0.05
    assert "always" not in p


def test_slow_behaviour_gets_a_sentence_and_no_p_value():
    true = stays(2, n_stays=6, length=4)
    states = te.network_states(made(true, patterns(2)), n_states=2)
    slow = {"temperature": np.repeat([0.0, 1.0], 12)}
    table, notes = behaviors_of_states(states, slow, n_nulls=99, seed=0)
    assert table["p_value"].isna().all()
    assert "both change too slowly" in notes[0]


# ---- time ----------------------------------------------------------------------


def test_gaps_cut_stays_and_count_as_no_end():
    starts = np.array([0.0, 1.0, 2.0, 50.0, 51.0, 52.0])
    windows = te.Windows(start_s=starts, stop_s=starts + 1)
    assert stretch_lengths(windows) == [3, 3]
    found = durations_of(np.array([0, 0, 1, 1, 0, 0]), 2, windows)
    assert found.stays["start_s"].tolist() == [0.0, 2.0, 50.0, 51.0]
    assert found.stays["stop_s"].tolist() == [2.0, 3.0, 51.0, 53.0]
    # State 1 holds 2 s and ends once; that before the gap is cut.  State 0 holds 4 s, ends once.
    assert found.table["dwell_s"].tolist() == [4.0, 2.0]
    assert found.transitions.tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_stays_end_with_their_stretch():
    assert stay_starts(np.array([0, 0, 0, 1]), [2, 2]).tolist() == [0, 2, 3]


def test_few_stays_are_named():
    found = te.network_states(made(np.repeat([0, 1, 0], 40), patterns(2)), n_states=2)
    assert found.few_stays == [0, 1]


def test_welch_equals_scipy():
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(5, 7)), rng.normal(0.5, 2, size=(9, 7))
    expected = ttest_ind(one, two, equal_var=False).pvalue
    np.testing.assert_allclose(welch_p_values(one, two), expected, rtol=1e-12)
    assert np.isnan(welch_p_values(np.ones((3, 1)), np.ones((4, 1)))).all()


# ---- pictures ------------------------------------------------------------------


def test_state_times_fill_the_rows_of_their_states():
    found = te.network_states(made(stays(2), patterns(2)), n_states=2)
    ax = Figure().subplots()
    plot_state_times(found.labels, found.windows, ax=ax, behavior={"$x_1$ <b>": found.labels * 1.0})
    assert [item.get_text() for item in ax.get_yticklabels()][:2] == ["state 0", "state 1"]
    widths = [path.get_extents().width for path in ax.collections[0].get_paths()]
    assert sum(widths) == pytest.approx(2.0 * (found.labels == 0).sum())
    with pytest.raises(InputError, match="labels for"):
        plot_state_times(found.labels[:-1], found.windows, ax=ax)


def test_a_run_without_states_has_none_of_their_tables(tmp_path):
    block = te.simulate_culture(n_nodes=20, duration=20 * pq.s, mean_rate_hz=20.0, seed=1)
    config = te.AnalysisConfig(
        bin_size_s=0.05, window_length_s=4.0, step_s=2.0, training_epochs=1, seed=0
    )
    result = te.analyze(block, config)
    assert result.states is None
    assert dataclasses.replace(result).states is None
    assert not set(te.results_of(result).tables) & set(STATE_TABLES)


def test_long_names_of_groups_leave_room_and_stay_apart():
    nodes = te.Nodes(
        ids=list("abcdef"),
        groups=["a long region $\\alpha$ one"] * 2 + ["a long region $\\alpha$ two"] * 2 + [""] * 2,
    )
    figure = Figure(figsize=(4, 4), layout="constrained")
    ax = figure.subplots()
    plot_state_graph(np.eye(6), nodes, ax=ax, title="state 0", measure="pearson", limit=1.0)
    figure.canvas.draw()
    names = [item.get_text() for item in ax.get_yticklabels()]
    assert len(set(names)) == len(names)
    assert ax.get_window_extent().width > 150


def test_python_gives_what_the_command_line_wrote(folder):
    with te.open_results(folder / "out.nwb") as run:
        stored, connectivity = dict(run.tables), run.connectivity
        spec = from_facts(StateSpec, run.provenance)
    recording = te.read(folder / "culture.nwb").segments[0]
    activity = te.bin_activity(recording, bin_size=10 * pq.ms)
    found, _ = states_of(activity, connectivity, ConnectivitySpec(), spec)
    assert found.labels.tolist() == stored["state_windows"]["state"].tolist()
    expected = found.durations.table["dwell_s"].tolist()
    assert stored["state_summary"]["dwell_s"].tolist() == expected


@pytest.mark.filterwarnings("ignore:Some starts and ends are equal")
def test_pynapple_opens_the_stays_as_intervals(folder):
    pynapple = pytest.importorskip("pynapple")
    visits = pynapple.load_file(str(folder / "out.nwb"))["tavrnn_table_state_visits"]
    assert isinstance(visits, pynapple.IntervalSet)
    with te.open_results(folder / "out.nwb") as run:
        stored = run.tables["state_visits"]
    # Pynapple moves an end that is the start of the next interval by a microsecond.
    np.testing.assert_allclose(visits.start, stored["start_time"])
    np.testing.assert_allclose(visits.end, stored["stop_time"], atol=2e-6)
    assert visits["state"].to_numpy().tolist() == stored["state"].tolist()

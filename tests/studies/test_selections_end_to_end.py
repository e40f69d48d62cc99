"""Each choice of windows, nodes and time: on the command line, from Python, and computed again."""

import datetime
import warnings

import numpy as np
import pynwb
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.spec import told_selection

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChoiceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning"),
]
N_UNITS, LENGTH_S = 20, 60.0
GAP, INVALID, ARTEFACT = (29.0, 31.0), (50.0, 52.0), (13.5, 14.5)
TRIALS = [(start, start + 3.0) for start in np.arange(0.0, LENGTH_S, 4.0)]
CUES = np.arange(2.0, LENGTH_S, 5.0)
RUNS = [(start, start + 6.0) for start in np.arange(0.0, LENGTH_S, 6.0)]
REGIONS = ["CA1"] * 12 + ["CA3"] * 8
QUALITY = ["good" if index % 4 else "fair" for index in range(N_UNITS)]
# Units 0 to 3 are slow.
RATES_HZ = np.where(np.arange(N_UNITS) < 4, 4.0, 12.0)
SLIDING = {"window_length_s": 3.0, "step_s": 3.0}
SLIDE = ["--window", "3s", "--step", "3s"]


def _beside(nwbfile):
    """Add trials, states, artefacts, time that is not valid, and events."""
    nwbfile.add_trial_column("label", "Side of the choice.")
    for index, (start, stop) in enumerate(TRIALS):
        nwbfile.add_trial(start_time=start, stop_time=stop, label=("left", "right")[index % 2])
    states = pynwb.epoch.TimeIntervals(name="state", description="State of the animal.")
    states.add_column("label", "Name of the state.")
    for index, (start, stop) in enumerate(RUNS):
        label = ("wake", "nrem", "rem")[index % 3]
        states.add_interval(start_time=start, stop_time=stop, label=label)
    nwbfile.add_time_intervals(states)
    artefacts = pynwb.epoch.TimeIntervals(name="artefacts", description="Saturated amplifier.")
    artefacts.add_interval(start_time=ARTEFACT[0], stop_time=ARTEFACT[1])
    nwbfile.add_time_intervals(artefacts)
    nwbfile.add_invalid_time_interval(start_time=INVALID[0], stop_time=INVALID[1])
    sides = ["go" if index % 2 else "stop" for index in range(len(CUES))]
    with warnings.catch_warnings():
        # Files of today hold such series, though pynwb would have tables of events.
        warnings.simplefilter("ignore", UserWarning)
        series = pynwb.misc.AnnotationSeries(name="cue", data=sides, timestamps=CUES)
    nwbfile.add_acquisition(series)


def _units(nwbfile):
    """Add units in two regions, curated, and not observed in a gap."""
    rng = np.random.default_rng(7)
    nwbfile.add_unit_column("quality", "Judgement of the curator.")
    nwbfile.add_unit_column("node_group", "Region.")
    nwbfile.add_unit_column("firing depth", "Depth in micrometres.")
    for index in range(N_UNITS):
        times = np.sort(rng.uniform(0, LENGTH_S, int(RATES_HZ[index] * LENGTH_S)))
        times = times[(times < GAP[0]) | (times >= GAP[1])]
        nwbfile.add_unit(
            spike_times=times,
            obs_intervals=[[0.0, GAP[0]], [GAP[1], LENGTH_S]],
            quality=QUALITY[index],
            node_group=REGIONS[index],
            **{"firing depth": float(10 * index)},
        )


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A session as a laboratory writes it: pynwb alone, nothing of this package."""
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    nwbfile = pynwb.NWBFile("Session with trials.", "session", start)
    _units(nwbfile)
    _beside(nwbfile)
    path = tmp_path_factory.mktemp("session") / "session.nwb"
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    return path


def _apart(result, interval):
    windows = result.windows
    return not ((windows.start_s < interval[1]) & (windows.stop_s > interval[0])).any()


def _limits(result):
    return np.column_stack([result.windows.start_s, result.windows.stop_s]).round(6).tolist()


def _free(intervals, *, gone=(GAP, INVALID)):
    """Those intervals that lie in the recording and touch nothing that is left out."""
    return [
        [start, stop]
        for start, stop in intervals
        if start >= 0
        and stop <= LENGTH_S
        and not any(start < off and stop > on for on, off in gone)
    ]


def _ids(*wanted):
    return [str(index) for index in wanted]


CASES = {
    "trials": (
        ["--windows", "trials"],
        {"intervals": "trials"},
        lambda r: _limits(r) == _free(TRIALS),
    ),
    "around events": (
        ["--around", "cue", "--before", "1s", "--after", "2s"],
        {"around": "cue", "before_s": 1.0, "after_s": 2.0},
        lambda r: _limits(r) == _free([(t - 1, t + 2) for t in CUES]),
    ),
    "behind events of one label": (
        ["--around", "cue:go", "--before", "-500ms", "--after", "3s"],
        {"around": "cue:go", "before_s": -0.5, "after_s": 3.0},
        lambda r: _limits(r) == _free([(t + 0.5, t + 3) for t in CUES[1::2]]),
    ),
    "runs of three labels": (
        ["--runs-of", "state"],
        {"runs_of": "state"},
        lambda r: (
            _limits(r) == _free(RUNS)
            and set(r.windows.columns["label"]) == {"wake", "nrem", "rem"}
        ),
    ),
    "region and quality": (
        [*SLIDE, "--nodes", "quality == 'good' and region == 'CA1'"],
        {**SLIDING, "selection": te.SelectionSpec(nodes="quality == 'good' and region == 'CA1'")},
        lambda r: r.activity.nodes.ids.tolist() == _ids(1, 2, 3, 5, 6, 7, 9, 10, 11),
    ),
    "ids": (
        [*SLIDE, *(text for index in range(5, 15) for text in ("--node-id", str(index)))],
        {**SLIDING, "selection": te.SelectionSpec(node_ids=_ids(*range(5, 15)))},
        lambda r: r.activity.nodes.ids.tolist() == _ids(*range(5, 15)),
    ),
    "least rate": (
        [*SLIDE, "--min-rate", "8Hz"],
        {**SLIDING, "selection": te.SelectionSpec(min_rate_hz=8.0)},
        lambda r: r.activity.nodes.ids.tolist() == _ids(*range(4, 20)),
    ),
    "least number of spikes and a column of two words": (
        [*SLIDE, "--keep-invalid-times", "--min-spikes", "400", "--nodes", "`firing depth` < 95"],
        {
            **SLIDING,
            "selection": te.SelectionSpec(
                nodes="`firing depth` < 95", min_node_spikes=400, keep_invalid_times=True
            ),
        },
        lambda r: (
            r.activity.nodes.ids.tolist() == _ids(*range(4, 10))
            and _apart(r, GAP)
            and not _apart(r, INVALID)
        ),
    ),
    "an artefact": (
        [*SLIDE, "--exclude", "artefacts"],
        {**SLIDING, "selection": te.SelectionSpec(exclude=("artefacts",))},
        lambda r: _apart(r, ARTEFACT) and not _apart(r, (9.0, 12.0)),
    ),
    "limits": (
        [*SLIDE, "--from", "5s", "--to", "0.75min"],
        {**SLIDING, "selection": te.SelectionSpec(t_start_s=5.0, t_stop_s=45.0)},
        lambda r: min(r.windows.start_s) == 5.0 and 41.0 < max(r.windows.stop_s) <= 45.0,
    ),
    "gap and time that is not valid": (
        SLIDE,
        SLIDING,
        lambda r: _apart(r, GAP) and _apart(r, INVALID) and len(r.windows) == 9 + 6 + 2,
    ),
    "tapered windows and edges beyond chance": (
        [*SLIDE, "--taper", "hann", "--false-discoveries", "0.2", "--surrogates", "dither_spikes",
         "--n-surrogates", "20", "--surrogate-reach", "300ms"],
        {
            **SLIDING, "taper": "hann", "false_discoveries": 0.2, "surrogates": "dither_spikes",
            "n_surrogates": 20, "surrogate_reach_s": 0.3,
        },
        lambda r: r.connectivity.origin.measure_options == (("taper", "hann"),),
    ),
    "density, latent size, smoothing and spikes per window": (
        [*SLIDE, "--density", "0.1", "--latent-size", "3", "--smoothing", "causal",
         "--profile", "recurrent", "--model-option", "attention=node",
         "--min-spikes-per-window", "5", "--no-history-node",
         "--features", "rates", "--silent-nodes", "nan"],
        {
            **SLIDING, "density": 0.1, "latent_size": 3, "smoothing": "causal",
            "profile": "recurrent", "model_options": {"attention": "node"}, "min_spikes": 5,
            "history_node": False,
            "features": "rates", "silent_nodes": "nan",
        },
        lambda r: (
            r.model.get_params()["latent_size"] == 3
            and max(r.graphs.weights[0].nnz, r.graphs.weights[-1].nnz) <= 38
            and not r.graphs.history_node
        ),
    ),
    "all at once": (
        ["--windows", "trials:right", "--nodes", "region == 'CA1'", "--min-rate", "2Hz", "--from",
         "2s", "--to", "58s", "--exclude", "artefacts", "--exclude", "state:rem"],
        {
            "intervals": "trials:right",
            "selection": te.SelectionSpec(
                nodes="region == 'CA1'", min_rate_hz=2.0, t_start_s=2.0, t_stop_s=58.0,
                exclude=("artefacts", "state:rem"),
            ),
        },
        lambda r: (
            len(r.activity.nodes) == 12
            and _limits(r) == _free(TRIALS[1::2], gone=(GAP, INVALID, ARTEFACT, *RUNS[2::3]))
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_command_line_python_and_reproduction_agree(session, tmp_path, name, capsys):
    options, choices, holds = CASES[name]
    out = tmp_path / "out.nwb"
    how = ["--bin-size", "100ms", "--training-epochs", "1", "--out", str(out)]
    assert main(["analyze", str(session), *options, *how]) == 0
    config = te.AnalysisConfig(bin_size_s=0.1, training_epochs=1, **choices)
    asked = te.analyze(te.read(session), config)
    assert holds(asked), _limits(asked)
    with te.open_results(out) as stored:
        found = stored.load()
    assert np.array_equal(found.embedding.mean, asked.embedding.mean)
    assert np.array_equal(found.embedding.std, asked.embedding.std)
    assert np.array_equal(found.connectivity.weights, asked.connectivity.weights)
    assert found.connectivity.windows == asked.windows
    assert found.embedding.node_ids.tolist() == asked.activity.nodes.ids.tolist()
    assert main(["reproduce", str(out)]) == 0
    assert "equal to the last bit" in capsys.readouterr().out
    assert main(["runs", str(out)]) == 0
    assert told_selection(config.facts()) in capsys.readouterr().out

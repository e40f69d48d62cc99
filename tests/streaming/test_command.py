"""``tavrnn-ephys stream``, its check, and what it says when something is wrong."""

import json

import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tests.streaming.models import fitted


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("command")
    fitted()[0].save(made / "model.npz")
    block = te.simulate_culture(n_nodes=20, duration=30 * pq.s, mean_rate_hz=12.0, seed=1)
    te.write_nwb(block, made / "culture.nwb")
    return made


def test_replay_is_logged_and_reproduced(folder, capsys):
    source, log = f"replay:{folder / 'culture.nwb'}@max", str(folder / "log.nwb")
    arguments = ["stream", str(folder / "model.npz"), "--source", source, "--out", log, "--json"]
    assert main(arguments) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["n_bins"] == 600
    assert facts["n_committed"] == 57
    assert facts["losses"] == {}
    assert main(["reproduce", log]) == 0
    assert main(arguments) == 2
    assert "exists" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore")
def test_analyze_saves_a_model_that_streams(folder, capsys):
    model, log = folder / "saved.npz", folder / "saved.nwb"
    arguments = ["analyze", str(folder / "culture.nwb"), "--bin-size", "50ms", "--window", "2s"]
    arguments += ["--step", "500ms", "--training-epochs", "1", "--save-model", str(model)]
    assert main([*arguments, "--out", str(log)]) == 0
    source = f"replay:{folder / 'culture.nwb'}@max"
    stream = ["stream", str(model), "--source", source, "--reference", str(log), "--adapt", "10s"]
    assert main([*stream, "--json"]) == 0
    said = capsys.readouterr().out
    assert '"n_committed": 57' in said
    assert '"adapted": 3' in said
    assert main([*arguments, "--out", str(folder / "again.nwb")]) == 2


def test_check_says_in_one_sentence_that_a_source_holds(folder, capsys):
    source = f"replay:{folder / 'culture.nwb'}@max"
    assert main(["stream", "check", str(folder / "model.npz"), "--source", source]) == 0
    said = capsys.readouterr().out.strip()
    assert said.startswith("Ready: 600 bins of 0.05 s, latency")
    assert said.count("\n") == 0


def test_check_says_what_speaks_against_a_source():
    from tavrnn_ephys.studies.streams import StreamSummary, _faults

    summary = StreamSummary(n_bins=1200, latencies_ms=[3.0])
    summary.losses["gap"] = 28
    assert _faults(summary, 0.05, 0.0, 0, 20) == ["28 bins are missing"]
    late = StreamSummary(n_bins=1200, latencies_ms=[30.0])
    assert _faults(late, 0.05, 0.0, 0, 20) == ["the latency exceeds half a bin"]
    assert _faults(StreamSummary(), 0.05, 0.0, 0, 20) == ["no bin came"]
    good = StreamSummary(n_bins=1200, latencies_ms=[3.0])
    assert _faults(good, 0.05, 900.0, 0, 20) == ["the clocks differ by 900 millionths"]
    assert _faults(good, 0.05, 0.0, 20, 20) == ["no node has a spike"]


def test_clock_of_a_source_is_held_against_this_machine():
    from tavrnn_ephys.studies.streams import _drift_ppm

    assert _drift_ppm([(k, 5 + 1.001 * k) for k in range(60)]) == pytest.approx(1000.0)


def test_sources_are_listed(capsys):
    assert main(["stream", "sources"]) == 0
    said = capsys.readouterr().out
    assert all(f"{name}:…" in said for name in ("lsl", "openephys", "replay"))


def test_live_line_is_shown(folder, capsys):
    source = f"replay:{folder / 'culture.nwb'}@max"
    model = str(folder / "model.npz")
    assert main(["stream", model, "--source", source, "--live", "terminal"]) == 0
    assert "2.00 s, settling: 40 bins, 1 windows committed" in capsys.readouterr().err


def test_live_page_is_served_and_its_address_said(folder, capsys):
    source = f"replay:{folder / 'culture.nwb'}@max"
    assert main(["stream", str(folder / "model.npz"), "--source", source, "--live", "page"]) == 0
    assert "Live page: http://127.0.0.1:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["stream", "MODEL"], "A stream needs a source"),
        (["stream", "MODEL", "--source", "serial:1"], "names no source"),
        (["stream", "one", "two", "--source", "lsl:A"], "is no model"),
        (["stream", "absent.npz", "--source", "lsl:A"], "absent.npz"),
        (["stream", "MODEL", "--source", "replay:absent.nwb"], "absent.nwb"),
        (["stream", "MODEL", "--source", "lsl:A", "--resume"], "Name --out and --state"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, sentence, folder, capsys):
    arguments = [str(folder / "model.npz") if item == "MODEL" else item for item in arguments]
    assert main(arguments) == 2
    said = capsys.readouterr().err.strip()
    assert sentence in said
    assert said.count("\n") == 0

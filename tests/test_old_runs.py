"""A run of the former code: read, shown and computed again."""

import gzip
from pathlib import Path

import pytest

import tavrnn_ephys as te
from tavrnn_ephys.core.spec import BehaviorSpec, RecordingSpec, WindowSpec, from_facts
from tavrnn_ephys.studies.reproduction import reproduce_run

PACKED = Path(__file__).parent / "results/old/layout_2.nwb.gz"


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    path = tmp_path_factory.mktemp("old") / "layout_2.nwb"
    path.write_bytes(gzip.decompress(PACKED.read_bytes()))
    return path


def test_it_reads(old):
    (run,) = te.list_runs(old)
    assert (run.name, run.n_windows, run.n_nodes) == ("default", 59, 20)
    assert te.read_results(old).config["analysis.threshold"] == 0.05
    with te.open_results(old) as stored:
        assert set(stored.tables) >= {"behavior_windows", "behavior_association"}


def test_its_choices_are_known_by_their_former_keys(old):
    with te.open_results(old) as stored:
        facts = dict(stored.provenance)
    windows = from_facts(WindowSpec, facts)
    assert windows == WindowSpec(bin_size_s=0.01, window_length_s=2.0, step_s=1.0)
    assert from_facts(RecordingSpec, facts) == RecordingSpec(adapter="nwb", segment_index=0)
    with pytest.raises(te.TavrnnEphysError, match="does not say name"):
        from_facts(BehaviorSpec, facts)


def test_it_is_of_the_recurrent_profile(old):
    config = te.AnalysisConfig.from_facts(te.read_results(old).config)
    assert config.profile == "recurrent"


def test_it_makes_a_report(old, tmp_path):
    page = te.report(old, out=tmp_path / "page.html")
    assert "performance" in page.read_text(encoding="utf-8")


def test_it_comes_out_equal(old):
    found = reproduce_run(old)
    # Another processor rounds the embedding otherwise.
    rounded = str(found).startswith("Run 'default': equal up to rounding.")
    assert found.is_equal or rounded, str(found)
    assert set(found.equal) >= {"nodes", "windows", "connectivity", "graphs"}
    assert rounded or "embedding" in found.equal
    # Which behaviour its tables are of was not stored then, and that is said.
    assert any("behaviour are not compared" in reason for reason in found.reasons)

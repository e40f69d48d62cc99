"""Every profile of the model through the commands that fit, tell, draw, stream and repeat it."""

import json

import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.names import PROFILES
from tavrnn_ephys.figures.matrices import varies_beyond_decay


@pytest.fixture(scope="module", params=PROFILES)
def analyzed(request, tmp_path_factory):
    """A profile; a culture; and a folder with its results, page and model."""
    folder = tmp_path_factory.mktemp(request.param)
    culture = te.simulate_culture(n_nodes=20, duration=60 * pq.s, seed=1)
    source = te.write_nwb(culture, folder / "culture.nwb")
    command = [
        "analyze", str(source), "--bin-size", "50ms", "--window", "4s", "--step", "2s",
        "--profile", request.param, "--training-epochs", "2", "--behavior", "performance",
        "--out", str(folder / "results.nwb"), "--save-model", str(folder / "model.npz"),
        "--report", str(folder / "page.html"),
    ]  # fmt: skip
    assert main(command) == 0
    return request.param, source, folder


def test_the_run_says_its_profile_and_is_computed_again(analyzed, capsys):
    profile, _, folder = analyzed
    assert te.read_results(folder / "results.nwb").config["model.profile"] == profile
    assert main(["reproduce", str(folder / "results.nwb")]) == 0
    assert "equal to the last bit" in capsys.readouterr().out


def test_what_is_printed_and_its_document_hold_the_loss_that_there_is(analyzed, capsys):
    profile, source, folder = analyzed
    command = [
        "analyze", str(source), "--bin-size", "50ms", "--window", "4s", "--step", "2s",
        "--profile", profile, "--training-epochs", "1",
    ]  # fmt: skip
    assert main([*command, "--out", str(folder / "text.nwb")]) == 0
    said = capsys.readouterr().out
    has_factors = profile == "state_space"
    assert ("Share of the pairs' variance that factors leave" in said) == has_factors
    assert ("Reconstruction loss" in said) == (not has_factors)
    assert ("Kinds of windows that return: not looked for." in said) == has_factors
    assert main([*command, "--out", str(folder / "json.nwb"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kl"] is None) == has_factors
    assert (found["kinds"] == {"taken": False, "n_kinds": 0, "gain": 0, "gain_error": 0}) == (
        has_factors
    )
    assert found["reconstruction_loss"] > 0


def test_a_page_never_takes_the_share_that_factors_leave_for_a_loss(tmp_path):
    culture = te.simulate_culture(n_nodes=20, duration=60 * pq.s, seed=1)
    source = te.write_nwb(culture, tmp_path / "culture.nwb")
    words = ["--bin-size", "50ms", "--window", "4s", "--step", "1s", "--profile", "state_space"]
    out, page = tmp_path / "results.nwb", tmp_path / "page.html"
    assert main(["analyze", str(source), *words, "--out", str(out), "--report", str(page)]) == 0
    assert "learnt nothing" not in page.read_text()
    assert not varies_beyond_decay(te.read_results(out))


def test_the_page_is_whole_and_the_model_streams_where_it_draws_no_noise(analyzed, capsys):
    profile, source, folder = analyzed
    page = (folder / "page.html").read_text()
    assert "</html>" in page
    assert ("<dt>unexplained</dt>" in page) == (profile == "state_space")
    assert ("<dt>final loss</dt>" in page) == (profile != "state_space")
    words = ["--source", f"replay:{source}@max", "--out", str(folder / "log.nwb"), "--json"]
    status = main(["stream", str(folder / "model.npz"), *words])
    said = capsys.readouterr()
    if profile == "paper":
        assert status == 2
        assert "draws noise" in said.err
    else:
        assert status == 0
        assert json.loads(said.out)["n_committed"] == 29

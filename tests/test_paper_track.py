"""The paper's experiment on a track, on a small simulated stand-in of its recording."""

import numpy as np
import pandas as pd
import pytest

from docs.measurements import paper_track

SMALL = "--seeds 2 --fold-seeds 1 --control-seeds 1 --sizes 2 --epochs 1".split()
PROFILES = ("state_space", "paper")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Twelve units with place fields, and a rat that runs to and fro nine times."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "rat-hippocampus-hc11").mkdir()
    lap_m = np.concatenate([np.linspace(0, 1.59, 120), np.linspace(1.59, 0, 120)])
    position_m = np.tile(lap_m, 9)
    fields_m = np.linspace(0, 1.6, 12)
    rates = 0.05 + 1.5 * np.exp(-0.5 * ((position_m[:, None] - fields_m) / 0.15) ** 2)
    counts = np.random.default_rng(0).poisson(rates)
    np.savez(folder / "rat-hippocampus-hc11/achilles.npz", x=counts, b=position_m[:, None])
    return folder


def command(data, out, *words):
    return paper_track.main(["--data", str(data), "--out", str(out), *SMALL, *words])


@pytest.fixture(scope="module")
def done(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    assert command(data, out, "--profiles", *PROFILES) == 0
    return out


def records_of(out):
    return sorted(out.glob("records_*/*.json"))


def test_every_question_has_one_row_and_an_accuracy(done):
    table = pd.read_csv(done / "accuracy.csv")
    assert not table.duplicated(list(paper_track.IDENTITY)).any()
    assert table["accuracy"].between(0, 1).all()
    counts = table.groupby(["features", "fitted", "folds"]).size()
    assert counts["paper, nodes", "all windows", "random"] == 2
    assert counts["paper, history node", "training windows", "blocks"] == 1
    assert counts["paper, nodes, bins shuffled", "training windows", "random"] == 1
    # Neither the fit nor blocks of time differ between seeds.
    assert counts["state_space, nodes", "all windows", "random"] == 2
    assert counts["state_space, nodes", "all windows", "blocks"] == 1


def test_table_on_the_page_has_a_line_per_features_fit_and_folds(done):
    table = pd.read_csv(done / "accuracy.csv")
    lines = (done / "accuracy.md").read_text().split("\n\n")[0].splitlines()
    assert lines[0] == "| features | fitted on | folds | seeds | 2 |"
    assert len(lines) - 2 == len(table.groupby(["features", "fitted", "folds"]))
    (paper,) = [line for line in lines if line.startswith("| paper, nodes | all windows | random")]
    chosen = table[(table["features"] == "paper, nodes") & (table["fitted"] == "all windows")]
    found = chosen.loc[chosen["folds"] == "random", "accuracy"]
    assert paper.endswith(f"| 2 | {found.mean():.3f} ({found.min():.3f} to {found.max():.3f}) |")


def test_edges_stand_where_both_units_fired(data, done):
    fired, kept = paper_track.shares_of_pairs(data)
    # Units that fire by chance in every bin alike, or never, would make the shares equal.
    assert 0.9 < fired < 1.0
    assert 0.9 < kept < 1.0
    assert f"both units fired: {fired:.2%} of pairs" in (done / "accuracy.md").read_text()


def test_picture_is_drawn(done):
    assert (done / "accuracy.png").read_bytes().startswith(b"\x89PNG")


def test_place_fields_are_read_from_rates(done):
    table = pd.read_csv(done / "accuracy.csv")
    assert table.loc[table["features"] == paper_track.RATES, "accuracy"].min() > 0.95


def test_stopped_run_goes_on_where_it_was(data, done, monkeypatch):
    before = (done / "accuracy.csv").read_bytes()
    lost = next(path for path in records_of(done) if path.stem.startswith("state-space"))
    lost.unlink()
    asked, embedded = [], paper_track.embedded

    def counted(*arguments):
        asked.append(arguments[1:3])
        return embedded(*arguments)

    monkeypatch.setattr(paper_track, "embedded", counted)
    assert command(data, done, "--profiles", *PROFILES) == 0
    assert {*asked} == {("state_space", 2)}
    assert lost.is_file()
    assert (done / "accuracy.csv").read_bytes() == before


def test_no_fit_begins_after_the_time_is_up(data, tmp_path):
    assert command(data, tmp_path, "--minutes", "0") == 0
    assert records_of(tmp_path) == []


def test_other_training_is_not_mixed_in(data, tmp_path):
    words = "--fold-seeds 0 --control-seeds 0 --seeds 1 --profiles state_space".split()
    command(data, tmp_path, *words)
    command(data, tmp_path, *words, "--epochs", "2", "--minutes", "0")
    assert len(pd.read_csv(tmp_path / "accuracy.csv")) == 0


def test_fit_that_fails_is_told_and_stops_no_other(data, tmp_path, monkeypatch, capsys):
    embedded = paper_track.embedded

    def failing(path, profile, size, *rest):
        if size == 3:
            raise ValueError("no room")
        return embedded(path, profile, size, *rest)

    monkeypatch.setattr(paper_track, "embedded", failing)
    words = "--sizes 3 2 --fold-seeds 0 --control-seeds 0 --seeds 1 --profiles state_space".split()
    assert command(data, tmp_path, *words) == 1
    assert "Failed: state-space__size3__seed0" in capsys.readouterr().out
    assert set(pd.read_csv(tmp_path / "accuracy.csv")["size"]) == {0, 2}


def test_fits_of_folds_see_training_windows_alone(data, monkeypatch):
    seen, embedded = [], paper_track.embedded
    monkeypatch.setattr(
        paper_track, "embedded", lambda *given: seen.append(given[-1]) or embedded(*given)
    )
    asked = {"data": data, "profile": "state_space", "size": 2, "seed": 0, "epochs": 1}
    for fitted in paper_track.FITTED:
        paper_track.FromEmbedding(**asked, fitted=fitted, folds=("blocks",))()
    folds = paper_track.folds_of("blocks", paper_track.segments_of(data), 0)
    assert seen == [*[None] * 5, *(tuple(train) for train, _ in folds)]
    assert all(not set(train) & set(test) for train, test in folds)


def test_state_space_draws_nothing(data):
    first, second = (
        paper_track.embedded(data, "state_space", 2, seed, None, 1, None)[0] for seed in (0, 1)
    )
    np.testing.assert_array_equal(first.mean, second.mean)

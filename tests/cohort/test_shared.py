"""One model over the recordings of a study: trained on some, adapted to those held out."""

import datetime

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.studies.cohort.shards import model_files
from tavrnn_ephys.studies.reproduction import reproduce_run

CHOICES = {"bin_size": "100ms", "window": "5s", "step": "2.5s", "training_epochs": 2}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Three recordings of two cultures, with unlike numbers of nodes."""
    folder = tmp_path_factory.mktemp("shared")
    for number in range(3):
        block = te.simulate_culture(n_nodes=20 + 4 * number, duration=20 * pq.s, seed=number)
        block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
        te.write_nwb(block, folder / f"c{number}.nwb")
    rows = ["c0.nwb,k0,14", "c1.nwb,k0,21", "c2.nwb,k1,14"]
    (folder / "cohort.csv").write_text("file,culture,age\n" + "\n".join(rows) + "\n")
    return te.Cohort.from_manifest(folder / "cohort.csv", folder / "study", **CHOICES)


@pytest.fixture(scope="module")
def shared(cohort):
    shared = cohort.shared({"culture": ["k1"]})
    assert shared.run().is_complete
    return shared


@pytest.fixture(scope="module")
def model(shared):
    return TAVRNN.load(model_files(shared.study, shared.plan.recordings[0].model)[0])


def weights(model):
    return {name: value.numpy() for name, value in model.network_.state_dict().items()}


def test_the_model_has_seen_the_training_recordings_alone(shared, model):
    assert [item.is_held_out for item in shared.plan.recordings] == [False, False, True]
    assert sorted(len(session.node_ids) for session in model.sessions_.values()) == [20, 24]


def test_a_held_out_recording_is_embedded_with_the_weights_of_the_others(shared, model):
    assert shared.results("c2").embedding.mean.shape[1] == 28
    facts = te.read_results(shared.file("c2")).config
    assert facts["shared_model.is_held_out"]
    assert facts["shared_model.n_recordings"] == 2
    assert facts["shared_model.key"] == shared.plan.recordings[0].model


def test_its_embedding_is_that_of_the_estimator_adapted_by_hand(shared, model):
    planned = shared.plan.recordings[2]
    graphs = te.analyze(te.read(planned.file), planned.choices.config).graphs
    before = weights(model)
    adapted = model.adapt(graphs, session="by hand").transform(graphs, session="by hand")
    np.testing.assert_allclose(shared.results("c2").embedding.mean, adapted.mean, atol=1e-6)
    for name, value in weights(model).items():
        np.testing.assert_array_equal(value, before[name])


def test_results_of_a_shared_model_have_other_names_than_those_of_own_models(cohort, shared):
    own = {item.key for item in cohort.plan.recordings}
    assert own.isdisjoint(item.key for item in shared.plan.recordings)
    whole = cohort.shared()
    assert whole.plan.recordings[0].model != shared.plan.recordings[0].model
    cohort.shared({"culture": ["k1"]})


def test_a_trained_model_is_kept(shared):
    path, _ = model_files(shared.study, shared.plan.recordings[0].model)
    before = path.stat().st_mtime_ns
    shared.run()
    assert path.stat().st_mtime_ns == before


def test_the_study_of_a_shared_model_is_opened_like_any(shared):
    again = te.Cohort.open(shared.study)
    assert again.plan == shared.plan
    assert again.status.is_complete


def test_a_run_of_a_shared_model_is_not_computed_again_alone(shared):
    with pytest.raises(InputError, match="trained over several recordings"):
        reproduce_run(shared.file("c2"))


@pytest.mark.parametrize(
    ("hold_out", "said"),
    [
        ({"id": ["c0"]}, "culture 'k0' stand on both sides"),
        ({"culture": ["k0"]}, "needs two recordings to be trained on; 1 are left"),
        ({"culture": ["k7"]}, "has culture = 'k7'"),
    ],
)
def test_what_cannot_be_held_out_gets_a_sentence(cohort, hold_out, said):
    with pytest.raises(InputError, match=said):
        cohort.shared(hold_out)


def test_the_command_line_trains_adapts_and_says_where_results_stand(cohort, shared, capsys):
    words = ["cohort", "run", str(cohort.study), "--shared-model", "--hold-out", "culture=k1"]
    assert main(words) == 0
    assert "3 done" in capsys.readouterr().out
    assert main(["cohort", "status", str(shared.study)]) == 0
    assert main(["cohort", "run", str(cohort.study), "--hold-out", "culture=k1"]) == 2
    assert "--shared-model" in capsys.readouterr().err

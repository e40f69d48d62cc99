"""Trained models in files."""

import json
from functools import partial

import numpy as np
import pytest

from tavrnn_ephys.core.archives import read_archive, write_archive
from tavrnn_ephys.core.errors import FileFormatError, OutputError
from tavrnn_ephys.core.names import PROFILES
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tests.estimator.made_graphs import two_state_graphs

recurrent = partial(TAVRNN, profile="recurrent")

pytestmark = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")


@pytest.mark.parametrize("profile", PROFILES)
def test_loaded_model_embeds_as_the_saved_one(tmp_path, profile):
    graphs, _ = two_state_graphs(threshold=0.1)
    model = TAVRNN(profile=profile, training_epochs=2, latent_size=3, seed=4).fit(graphs)
    model.save(tmp_path / "model.npz")
    loaded = TAVRNN.load(tmp_path / "model.npz")
    assert loaded.transform(graphs) == model.transform(graphs)
    assert loaded.history_ == model.history_
    assert loaded.get_params() == model.get_params()


def test_sessions_share_weights_after_loading(tmp_path):
    graphs = [two_state_graphs(n_nodes=n, node_prefix=str(n))[0] for n in (12, 10)]
    model = recurrent(training_epochs=2).fit(graphs)
    model.save(tmp_path / "model.npz")
    loaded = TAVRNN.load(tmp_path / "model.npz")
    first, second = (session.network for session in loaded.sessions_.values())
    assert first.prior is second.prior
    assert loaded.transform(graphs) == model.transform(graphs)


def test_existing_file_is_kept_unless_told_otherwise(tmp_path):
    graphs, _ = two_state_graphs()
    model = TAVRNN(training_epochs=1).fit(graphs)
    model.save(tmp_path / "model.npz")
    with pytest.raises(OutputError, match="exists"):
        model.save(tmp_path / "model.npz")
    model.save(tmp_path / "model.npz", overwrite=True)


def altered(path, change):
    about, arrays = read_archive(path, kind="tavrnn_ephys.TAVRNN", version=1, noun="model")
    version = change(about, arrays) or 1
    write_archive(
        path, kind="tavrnn_ephys.TAVRNN", version=version, arrays=arrays, about=about,
        overwrite=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda about, arrays: 2, "newer version of tavrnn_ephys"),
        (lambda about, arrays: arrays.__delitem__("session/0/mean"), "lacks a part"),
        (lambda about, arrays: about["network_options"].update(hidden_size=5), "lacks a part"),
        (lambda about, arrays: about["network_options"].update(lr=5), "lacks a part"),
    ],
)
def test_altered_file_is_refused_in_a_sentence(tmp_path, change, message):
    graphs, _ = two_state_graphs()
    path = tmp_path / "model.npz"
    recurrent(training_epochs=1).fit(graphs).save(path)
    altered(path, change)
    with pytest.raises(FileFormatError, match=message):
        TAVRNN.load(path)


@pytest.mark.parametrize(
    "former",
    [
        lambda about, arrays: about["parameters"].update(profile="default"),
        lambda about, arrays: about["parameters"].__delitem__("profile") or 1,
    ],
)
def test_model_of_a_former_release_is_of_the_recurrent_profile(tmp_path, former):
    graphs, _ = two_state_graphs()
    path = tmp_path / "model.npz"
    model = recurrent(training_epochs=1, options={"kl_weight": 0.1}).fit(graphs)
    model.save(path)
    altered(path, former)
    loaded = TAVRNN.load(path)
    assert loaded.profile == "recurrent"
    assert loaded.transform(graphs) == model.transform(graphs)
    # It is fitted again as it was.
    assert loaded.fit(graphs).transform(graphs) == model.transform(graphs)


def test_saved_model_holds_no_pickle(tmp_path):
    graphs, _ = two_state_graphs()
    TAVRNN(training_epochs=1).fit(graphs).save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)
        assert json.loads(str(file["about"]))["parameters"]["seed"] == 0


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"text"])
def test_damaged_file_is_refused(tmp_path, content):
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="holds no trained model, or is damaged"):
        TAVRNN.load(path)

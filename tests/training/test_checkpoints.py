"""Fits that go on from a file."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tavrnn_ephys.core.errors import FileFormatError, InputError, OutputError
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.methods.tavrnn.training import checkpoints
from tests.estimator.made_graphs import two_state_graphs

recurrent = partial(TAVRNN, profile="recurrent")

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")


class Interrupted(Exception):
    """Stands for whatever ends a process."""


def interrupt_after(monkeypatch, n_savings):
    """Let a fit end right after a number of savings."""
    save, count = checkpoints.Checkpoint.save, [0]

    def save_and_stop(self, state):
        save(self, state)
        count[0] += 1
        if count[0] == n_savings:
            raise Interrupted

    monkeypatch.setattr(checkpoints.Checkpoint, "save", save_and_stop)


@pytest.mark.parametrize("profile", ["recurrent", "paper"])
@pytest.mark.parametrize("options", [{}, {"early_stopping": "windows", "patience": 6}])
def test_resumed_fit_equals_an_unbroken_one(tmp_path, monkeypatch, profile, options):
    graphs, _ = two_state_graphs(threshold=0.1, noise=1.0)
    path = tmp_path / "fit.npz"

    def model():
        return TAVRNN(profile=profile, training_epochs=12, latent_size=3, options=options)

    unbroken = model().fit(graphs)
    with monkeypatch.context() as patched:
        interrupt_after(patched, 2)
        with pytest.raises(Interrupted):
            model().fit(graphs, checkpoint=path, checkpoint_every=3)
    resumed = model().fit(graphs, checkpoint=path, checkpoint_every=3)
    assert resumed.history_ == unbroken.history_
    assert resumed.transform(graphs) == unbroken.transform(graphs)


def test_checkpoint_changes_nothing(tmp_path):
    graphs, _ = two_state_graphs()
    plain = recurrent(training_epochs=3).fit(graphs)
    kept = recurrent(training_epochs=3).fit(graphs, checkpoint=tmp_path / "fit.npz")
    again = recurrent(training_epochs=3).fit(graphs, checkpoint=tmp_path / "fit.npz")
    assert plain.transform(graphs) == kept.transform(graphs) == again.transform(graphs)


def saved_checkpoint(tmp_path, graphs, **parameters):
    path = tmp_path / "fit.npz"
    recurrent(training_epochs=2, **parameters).fit(graphs, checkpoint=path)
    return path


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden_size": 16}, "hidden_size is 32 there and 16 here"),
        ({"seed": 1}, "seed is 0 there and 1 here"),
        ({"options": {"decoder": "inner"}}, "decoder is unfolded there and inner here"),
        ({"options": {"learning_rate": 0.1}}, "learning_rate is 0.005 there and 0.1 here"),
    ],
)
def test_checkpoint_of_another_fit_is_refused(tmp_path, parameters, message):
    graphs, _ = two_state_graphs()
    path = saved_checkpoint(tmp_path, graphs)
    before = path.read_bytes()
    with pytest.raises(InputError, match=message):
        recurrent(training_epochs=2, **parameters).fit(graphs, checkpoint=path)
    assert path.read_bytes() == before


def test_checkpoint_of_other_data_is_refused(tmp_path):
    path = saved_checkpoint(tmp_path, two_state_graphs()[0])
    with pytest.raises(InputError, match="the digest of the graphs is .* there and"):
        recurrent(training_epochs=2).fit(two_state_graphs(seed=1)[0], checkpoint=path)


def test_checkpoint_of_another_version_is_refused(tmp_path, monkeypatch):
    graphs, _ = two_state_graphs()
    path = saved_checkpoint(tmp_path, graphs)
    versions = checkpoints.package_versions() | {"torch": "9.0"}
    monkeypatch.setattr(checkpoints, "package_versions", lambda: versions)
    with pytest.raises(InputError, match=r"torch version is .* there and 9.0 here"):
        recurrent(training_epochs=2).fit(graphs, checkpoint=path)


def test_damaged_checkpoint_is_refused(tmp_path):
    graphs, _ = two_state_graphs()
    path = saved_checkpoint(tmp_path, graphs)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FileFormatError, match="holds no checkpoint of a fit, or is damaged"):
        recurrent(training_epochs=2).fit(graphs, checkpoint=path)


def test_checkpoint_in_a_missing_folder_is_refused_before_training(tmp_path):
    graphs, _ = two_state_graphs()
    with pytest.raises(OutputError, match="does not exist"):
        recurrent(training_epochs=2).fit(graphs, checkpoint=tmp_path / "no" / "fit.npz")


def test_killed_fits_end_bit_equal():
    script = ROOT / "docs" / "measurements" / "kill_and_resume.py"
    done = subprocess.run([sys.executable, script, "2"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "every resumed fit ended bit-equal; files left behind: []" in done.stdout

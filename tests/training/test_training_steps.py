"""A budget in optimizer steps."""

from functools import partial

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tests.estimator.made_graphs import two_state_graphs

recurrent = partial(TAVRNN, profile="recurrent")

pytestmark = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")


def fitted(graphs, **options):
    return recurrent(options={"sequence_length": 3, "schedule": "constant", **options}).fit(graphs)


def weights_of(model):
    return [item.detach().numpy().copy() for item in model.network_.parameters()]


def test_steps_that_fill_epochs_are_those_epochs():
    graphs, _ = two_state_graphs(n_windows=12)
    by_steps, by_epochs = fitted(graphs, training_steps=8), fitted(graphs, training_epochs=2)
    assert by_steps.history_ == by_epochs.history_
    for mine, theirs in zip(weights_of(by_steps), weights_of(by_epochs), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_last_epoch_is_cut_short():
    graphs, _ = two_state_graphs(n_windows=12)
    model = fitted(graphs, training_steps=5)
    assert len(model.history_) == 2
    # One step over the first three windows, in the state that the first epoch leaves behind.
    alone = fitted(graphs, training_steps=4)
    assert alone.history_ == model.history_[:1]
    moved = [
        np.abs(mine - theirs).max()
        for mine, theirs in zip(weights_of(model), weights_of(alone), strict=True)
    ]
    assert 0 < max(moved) < 0.05


def test_steps_decide_where_both_are_given_and_several_stretches_share_them():
    graphs, _ = two_state_graphs(n_windows=12)
    stretches = [graphs[:6], graphs[6:]]
    model = fitted(stretches, training_steps=3, training_epochs=50)
    assert len(model.history_) == 1
    assert model.history_[0]["reconstruction"] > 0


def test_a_killed_fit_goes_on_to_the_same_number_of_steps(tmp_path):
    graphs, _ = two_state_graphs(n_windows=12)
    options = {"sequence_length": 3, "training_steps": 6}
    whole = recurrent(options=options).fit(graphs)
    path = tmp_path / "fit.npz"
    recurrent(options=options).fit(graphs, checkpoint=path)
    again = recurrent(options=options).fit(graphs, checkpoint=path)
    for mine, theirs in zip(weights_of(again), weights_of(whole), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("value", [0, 2.5, "ten"])
def test_no_number_of_steps_is_refused(value):
    graphs, _ = two_state_graphs()
    with pytest.raises(InputError, match="training_steps must be a whole number"):
        fitted(graphs, training_steps=value)

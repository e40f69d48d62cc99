"""Training that stops when held-out windows are no longer accounted for better."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tests.estimator.made_graphs import two_state_graphs

recurrent = partial(TAVRNN, profile="recurrent")

pytestmark = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")


def test_training_stops_after_patience_and_keeps_the_best_weights():
    graphs, _ = two_state_graphs(noise=1.0)
    options = {
        "early_stopping": "windows", "patience": 3, "learning_rate": 0.1, "schedule": "constant",
    }  # fmt: skip
    model = recurrent(training_epochs=200, options=options).fit(graphs)
    losses = [terms["held_out"] for terms in model.history_]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 3 < 200
    # Constant rate: a fit that ends at the best training epoch has the same weights.
    again = recurrent(training_epochs=best + 1, options=options).fit(graphs)
    assert again.history_ == model.history_[: best + 1]
    np.testing.assert_array_equal(again.transform(graphs).mean, model.transform(graphs).mean)


def test_held_out_windows_do_not_train():
    graphs, _ = two_state_graphs(n_windows=20)
    swapped = replace(graphs, weights=(*graphs.weights[:15], *graphs.weights[:14:-1]))
    options = {"early_stopping": "windows", "held_out": 0.25}
    fits = [recurrent(training_epochs=4, options=options).fit(item) for item in (graphs, swapped)]
    terms = [[row["loss"] for row in model.history_] for model in fits]
    held = [[row["held_out"] for row in model.history_] for model in fits]
    # The mean graph is a sum in another order.
    np.testing.assert_allclose(terms[0], terms[1], rtol=1e-5)
    assert not np.allclose(held[0], held[1], rtol=1e-5)


def test_too_short_stretches_cannot_hold_windows_out():
    graphs, _ = two_state_graphs()
    model = recurrent(options={"early_stopping": "windows"})
    with pytest.raises(InputError, match="No stretch is long enough"):
        model.fit([graphs[:2], graphs[4:6]])

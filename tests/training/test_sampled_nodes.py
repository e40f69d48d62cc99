"""Training that decodes the pairs among some of the nodes in each step."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tests.estimator.made_graphs import two_state_graphs

recurrent = partial(TAVRNN, profile="recurrent")


def test_sampled_pairs_teach_what_all_pairs_teach():
    graphs, _ = two_state_graphs(n_nodes=20)
    fits = [recurrent(options={"sampled_nodes": n}).fit(graphs) for n in (None, 10)]
    assert fits[1].score(graphs) == pytest.approx(fits[0].score(graphs), abs=0.1)
    assert fits[1].history_ != fits[0].history_


def test_as_many_sampled_nodes_as_there_are_change_nothing():
    graphs, _ = two_state_graphs()
    fits = [
        recurrent(training_epochs=2, options={"sampled_nodes": n}).fit(graphs) for n in (None, 12)
    ]
    assert fits[0].history_ == fits[1].history_


def test_one_sampled_node_is_refused():
    graphs, _ = two_state_graphs()
    with pytest.raises(InputError, match="sampled_nodes must be at least 2"):
        recurrent(options={"sampled_nodes": 1}).fit(graphs)


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")
@pytest.mark.parametrize("profile", ["recurrent", "paper"])
def test_weights_of_absent_nodes_do_not_enter_the_loss(profile):
    graphs, _ = two_state_graphs(n_windows=6, threshold=0.1)
    mask = np.ones((6, 12), dtype=bool)
    mask[2:4, 3] = False
    kept = [
        matrix.multiply(np.outer(row, row)).tocsr()
        for matrix, row in zip(graphs.weights, mask, strict=True)
    ]
    masked = replace(graphs, weights=tuple(kept), node_mask=mask)
    silent = replace(graphs, weights=tuple(kept))
    fits = [
        TAVRNN(profile=profile, training_epochs=1).fit(item).history_[0]["reconstruction"]
        for item in (masked, silent)
    ]
    assert np.isfinite(fits).all()
    assert fits[0] != fits[1]

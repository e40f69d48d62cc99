"""Every option of TAVRNN as a parameter of scikit-learn."""

from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import PROFILES
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tests.random_graphs import random_graphs

recurrent = partial(TAVRNN, profile="recurrent")

pytestmark = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")


def test_options_stand_beside_parameters_with_the_value_of_their_profile():
    mine, paper = recurrent().get_params(), recurrent(profile="paper").get_params()
    assert (mine["options__kl_weight"], paper["options__kl_weight"]) == (0.02, 1.0)
    assert paper["options__decoder"] == "inner"
    assert paper["options__learning_rate"] == 1e-2
    assert recurrent(ablation="no_attention").get_params()["options__attention"] == "none"
    assert recurrent(options={"kl_weight": 0.3}).get_params()["options__kl_weight"] == 0.3
    assert not [name for name in TAVRNN().get_params(deep=False) if "__" in name]


def test_only_options_that_the_profile_reads_are_listed():
    listed = {
        profile: {name for name in TAVRNN(profile=profile).get_params() if "__" in name}
        for profile in PROFILES
    }
    assert listed["state_space"] == {
        f"options__{name}"
        for name in (
            "recurrence", "variational", "gate", "left_out", "pooled_scale", "recall",
            "embedding", "smoothing", "training_steps",
        )
    }  # fmt: skip
    assert listed["recurrent"] == listed["paper"]
    assert "options__attention" in listed["recurrent"]
    assert "options__gate" not in listed["recurrent"]


def test_a_single_option_is_set_and_the_others_stay():
    model = recurrent(options={"kl_weight": 0.3})
    copy = clone(model)
    model.set_params(options__smoothing="causal", latent_size=4)
    assert model.options == {"kl_weight": 0.3, "smoothing": "causal"}
    assert model.latent_size == 4
    assert copy.options == {"kl_weight": 0.3}
    assert clone(model).get_params() == model.get_params()


def test_what_was_set_is_what_is_fitted():
    graphs = random_graphs(n_windows=6, n_nodes=5, density=0.8)
    model = TAVRNN(training_epochs=2, latent_size=2).set_params(options__embedding="mean")
    given = TAVRNN(training_epochs=2, latent_size=2, options={"embedding": "mean"})
    assert np.array_equal(
        model.fit(graphs).transform(graphs).mean, given.fit(graphs).transform(graphs).mean
    )


def test_options_that_do_not_exist_are_refused():
    with pytest.raises(InputError, match="option must be one of"):
        TAVRNN().set_params(options__nope=1)
    with pytest.raises(ValueError, match="Invalid parameter 'nope'"):
        TAVRNN().set_params(nope=1)


def test_a_grid_search_goes_through_single_options():
    graphs = [random_graphs(n_windows=6, n_nodes=5, density=0.8, seed=k) for k in range(3)]
    grid = {"options__kl_weight": [0.01, 0.5], "options__attention": ["history", "none"]}
    model = recurrent(training_epochs=2, latent_size=2)
    search = GridSearchCV(model, grid, cv=3, error_score="raise").fit(graphs)
    assert set(search.best_params_) == set(grid)
    assert (
        search.best_estimator_.network_.options.kl_weight
        == (search.best_params_["options__kl_weight"])
    )
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(set(search.cv_results_["mean_test_score"])) > 1

"""
scikit-learn's own checks of an estimator.

Its checks pass random arrays to ``fit``; this estimator takes graphs.  Checks that need no data run
as they are; the rules of the others are held on graphs below where they can apply, and listed
with the reason where they cannot.
"""

import copy
import functools
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.validation import check_is_fitted

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tests.estimator.made_graphs import two_state_graphs

pytestmark = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")

RUN = {
    "check_estimator_cloneable", "check_estimator_tags_renamed", "check_valid_tag_types",
    "check_estimator_repr", "check_no_attributes_set_in_init", "check_estimators_unfitted",
    "check_do_not_raise_errors_in_init_or_set_params", "check_n_features_in_after_fitting",
    "check_mixin_order", "check_transformers_unfitted", "check_transformer_n_iter",
    "check_parameters_default_constructible", "check_get_params_invariance", "check_set_params",
    "check_fit1d",
}  # fmt: skip
HELD_ON_GRAPHS = {
    "check_fit_score_takes_y", "check_estimators_overwrite_params",
    "check_dont_overwrite_parameters", "check_estimators_fit_returns_self",
    "check_pipeline_consistency", "check_estimators_pickle", "check_transformer_general",
    "check_dict_unchanged", "check_fit_idempotent", "check_fit_check_is_fitted",
    "check_fit2d_1sample",
}  # fmt: skip
CANNOT_APPLY = {
    "check_readonly_memmap_input": "graphs are frozen objects, no arrays in memory maps",
    "check_positive_only_tag_during_fit": "there are no arrays of features",
    "check_estimators_dtypes": "a GraphSequence is float32 by its own rule",
    "check_complex_data": "a GraphSequence holds no complex weights",
    "check_dtype_object": "a GraphSequence holds no objects",
    "check_estimators_empty_data_messages": "a GraphSequence has at least one window and node",
    "check_estimators_nan_inf": "a GraphSequence holds no NaN by its own rule",
    "check_estimator_sparse_tag": "sparse input is what a GraphSequence holds",
    "check_estimator_sparse_array": "sparse input is what a GraphSequence holds",
    "check_estimator_sparse_matrix": "sparse input is what a GraphSequence holds",
    "check_array_api_input": "there are no arrays of features",
    "check_f_contiguous_array_estimator": "there are no arrays of features",
    "check_transformer_data_not_an_array": "there are no arrays of features",
    "check_methods_sample_order_invariance": "windows are a sequence: their order is data",
    "check_methods_subset_invariance": "a window's embedding depends on the windows before it",
    "check_fit2d_1feature": "the features of a graph are its nodes, and one node has no pair",
    "check_n_features_in": "sessions differ in their nodes",
    "check_fit2d_predict1d": "there are no arrays of features",
}


class _TakesArrays(TAVRNN):
    """Claims to take arrays, so that scikit-learn names all checks that there are."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


def all_checks():
    checks = {"check_estimator_cloneable": estimator_checks.check_estimator_cloneable}
    for check in estimator_checks._yield_all_checks(_TakesArrays(), legacy=True):
        function = check
        while isinstance(function, functools.partial):
            function = function.func
        name = getattr(function, "__wrapped__", function).__name__
        checks.setdefault(name, check)
    return checks


def test_every_check_of_scikit_learn_has_its_place():
    # A new version of scikit-learn may add checks, each of which needs a decision here.
    places = RUN | HELD_ON_GRAPHS | set(CANNOT_APPLY)
    assert set(all_checks()) - places == set()


@pytest.mark.parametrize("name", sorted(RUN))
def test_check_that_needs_no_data_passes(name):
    check = all_checks().get(name)
    if check is not None:
        check("TAVRNN", TAVRNN())


def test_check_estimator_itself_passes():
    with pytest.warns(SkipTestWarning, match="requires input"):
        results = estimator_checks.check_estimator(TAVRNN(), on_fail=None)
    assert {result["status"] for result in results} == {"passed"}


def fitted():
    graphs, _ = two_state_graphs(n_windows=8)
    return graphs, TAVRNN(training_epochs=2).fit(graphs)


def test_fit_returns_self_and_leaves_parameters():
    graphs, _ = two_state_graphs(n_windows=8)
    model = TAVRNN(training_epochs=2, options={"gate": False})
    before, public = copy.deepcopy(model.get_params()), set(vars(model))
    assert model.fit(graphs) is model
    assert model.get_params() == before
    assert all(name.endswith("_") for name in set(vars(model)) - public)


def test_transform_and_score_leave_the_model():
    graphs, model = fitted()
    before = {name: value.clone() for name, value in model.network_.state_dict().items()}
    names = set(vars(model))
    model.transform(graphs)
    model.score(graphs)
    assert set(vars(model)) == names
    assert all((before[name] == value).all() for name, value in model.network_.state_dict().items())


def test_fitting_again_gives_the_same():
    graphs, model = fitted()
    first = model.transform(graphs)
    assert model.fit(graphs).transform(graphs) == first
    assert clone(model).fit_transform(graphs) == first


def test_unfitted_model_says_so():
    graphs, model = fitted()
    check_is_fitted(model)
    with pytest.raises(NotFittedError):
        TAVRNN().score(graphs)


def test_labels_are_taken_by_the_default_and_ignored_by_the_recurrent_profile():
    graphs, model = fitted()
    other = TAVRNN(training_epochs=2).fit(graphs, np.arange(8))
    assert other.transform(graphs).config["model.supervision"] == "label"
    assert model.score(graphs, np.arange(8)) == model.score(graphs)
    recurrent = TAVRNN(profile="recurrent", training_epochs=2)
    plain = recurrent.fit(graphs).transform(graphs)
    assert recurrent.fit(graphs, np.arange(8)).transform(graphs) == plain


def test_model_survives_pickle():
    graphs, model = fitted()
    assert pickle.loads(pickle.dumps(model)).transform(graphs) == model.transform(graphs)


def test_pipeline_gives_the_same():
    graphs, model = fitted()
    pipeline = make_pipeline(TAVRNN(training_epochs=2)).fit(graphs)
    assert pipeline.transform(graphs) == model.transform(graphs)


def test_one_window_is_refused_with_its_number():
    graphs, _ = two_state_graphs(n_windows=8)
    with pytest.raises(InputError, match="at least two windows, got 1"):
        TAVRNN().fit(graphs[:1])

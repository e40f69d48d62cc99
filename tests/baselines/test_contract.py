"""Every method of the registry under one contract."""

import sys
from importlib.metadata import EntryPoint
from importlib.util import find_spec

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError, MissingDependencyError
from tavrnn_ephys.methods import UASE, choose_methods, list_methods, registry
from tavrnn_ephys.methods.contract import GraphEmbedder
from tests.baselines.contract import MethodContract
from tests.baselines.toys import graphs_for, switching_counts, switching_weights

EXACT = {"rates", "degree", "uase", "uase_ema", "uase_abs", "uase_abs_ema", "pca_edges"}
# They read more than weights: what is renamed comes with them.
OWN = {"rates", "hmm_glm"}
EXTRAS = {"cebra_time": "cebra", "cebra_behavior": "cebra", "tangent_space": "pyriemann"}
INSTALLED = [name for name in list_methods() if find_spec(EXTRAS.get(name, "numpy")) is not None]


def _contract_of(name):
    class Test(MethodContract):
        exact = name in EXACT

        def build(self, **budget):
            return list_methods()[name].build(**budget)

    Test.__name__ = Test.__qualname__ = f"Test_{name}"
    return Test


globals().update({f"Test_{name}": _contract_of(name) for name in INSTALLED if name not in OWN})


class TestRates(MethodContract):
    exact = True

    def build(self, **budget):
        return list_methods()["rates"].build(**budget)

    def test_renaming_nodes_changes_nothing(self):
        weights, _ = switching_weights(n_windows=6)
        rates = np.random.default_rng(0).random((6, 12), dtype=np.float32)
        method = self.build()
        order = np.random.default_rng(1).permutation(12)
        graphs = graphs_for(method, weights, rates=rates)
        renamed = graphs_for(method, weights, rates=rates[:, order])
        mine = method.fit(graphs).transform(graphs).mean
        np.testing.assert_array_equal(mine[:, order], method.transform(renamed).mean)
        np.testing.assert_array_equal(mine[..., 0], rates)


class TestOneHotHMMGLM(MethodContract):
    def build(self, **budget):
        return list_methods()["hmm_glm"].build(**budget)

    def test_renaming_nodes_changes_nothing(self):
        counts, _ = switching_counts(n_windows=12, dwell=3)
        weights, _ = switching_weights(n_windows=12)
        order = np.random.default_rng(1).permutation(12)
        states = []
        for given in (counts, counts[:, order]):
            method = self.build().set_params(n_states=2)
            graphs = graphs_for(method, weights, counts=given)
            states.append(method.fit(graphs).transform(graphs).mean[:, 0])
        np.testing.assert_allclose(states[0], states[1], atol=1e-3)


def test_methods_of_the_paper_and_the_floors_are_there():
    assert set(list_methods()) >= {
        "rates", "degree", "uase_abs", "uase", "uase_ema", "pca_edges", "vgae", "vgrnn", "dyngem",
        "dynae", "dynrnn", "dynaernn", "graphert", "evolvegcn", "cebra_time", "cebra_behavior",
        "tavrnn", "tavrnn_recurrent", "tavrnn_paper",
    }  # fmt: skip


def test_cebra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cebra", None)
    weights, labels = switching_weights(n_windows=8)
    for name in ("cebra_time", "cebra_behavior"):
        method = list_methods()[name].build()
        with pytest.raises(MissingDependencyError, match=r"tavrnn_ephys\[cebra\]"):
            method.fit(graphs_for(method, weights), labels)


def test_the_tangent_space_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyriemann.tangentspace", None)
    weights, _ = switching_weights(n_windows=8)
    method = list_methods()["tangent_space"].build()
    with pytest.raises(MissingDependencyError, match=r"tavrnn_ephys\[riemann\]"):
        method.fit(graphs_for(method, weights))


def test_only_the_oracle_of_a_simulated_task_knows():
    weights, _ = switching_weights(n_windows=8)
    assert not {name for name in list_methods() if name.startswith("oracle")}
    method = choose_methods("oracle_window")["oracle_window"].build()
    with pytest.raises(InputError, match="Nobody knows the true couplings"):
        method.fit(graphs_for(method, weights))


def test_label_supervised_method_demands_labels():
    weights, labels = switching_weights(n_windows=8)
    method = list_methods()["cebra_behavior"].build()
    for given in (None, labels[:3]):
        with pytest.raises(InputError, match="one label for each of the 8 windows"):
            method.fit(graphs_for(method, weights), given)


class Foreign(GraphEmbedder):
    """A method of another package."""

    name = "foreign"

    def _fit(self, sequences, labels):
        """Nothing is learnt."""

    def _embed(self, graphs):
        return np.ones((len(graphs), graphs.n_nodes, 1))


def test_methods_of_other_packages_come_by_entry_point(monkeypatch):
    points = [
        EntryPoint(name="foreign", value=f"{__name__}:Foreign", group="tavrnn_ephys.methods"),
        EntryPoint(name="uase", value="elsewhere:Thing", group="tavrnn_ephys.methods"),
        EntryPoint(name="broken", value="no_such_package:Thing", group="tavrnn_ephys.methods"),
    ]
    monkeypatch.setattr(registry, "_foreign", lambda: points)
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Foreign.__module__])
    methods = list_methods()
    assert isinstance(methods["uase"].build(), UASE)
    method = methods["foreign"].build(seed=3)
    graphs = graphs_for(method, switching_weights(n_windows=5)[0])
    assert method.fit(graphs).transform(graphs).mean.shape == (5, 12, 1)
    with pytest.raises(InputError, match="'broken' cannot be loaded"):
        methods["broken"].build()


def test_unknown_method_is_refused():
    with pytest.raises(InputError, match="no method 'spectral'; there are rates, degree"):
        choose_methods("uase,spectral")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("vgae", {"density": 0.0}, "density"),
        ("dynae", {"lookback": 0}, "lookback"),
        ("dynae", {"lookback": 30}, "No stretch has more than 30 windows"),
        ("dynrnn", {"weights": "ternary"}, "weights"),
        ("dyngem", {"edge_weight": -1.0}, "edge_weight"),
        ("graphert", {"q": 0.0}, "q must be"),
        ("evolvegcn", {"n_steps": 0}, "n_steps"),
        ("uase", {"smoothing": 1.0}, "smoothing"),
        ("pca_edges", {"n_components": 0}, "n_components"),
    ],
)
def test_bad_options_are_refused(name, options, message):
    method = list_methods()[name].build().set_params(**options)
    weights, _ = switching_weights(n_windows=8)
    with pytest.raises(InputError, match=message):
        method.fit(graphs_for(method, weights))

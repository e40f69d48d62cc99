"""What a profile does not read is refused, and what it reads makes a difference."""

from dataclasses import fields

import numpy as np
import pytest

from tavrnn_ephys.core import names
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.methods.tavrnn.nn.options import ABLATIONS, PROFILES, NetworkOptions
from tavrnn_ephys.methods.tavrnn.profiles import options_of
from tavrnn_ephys.methods.tavrnn.training import TrainingOptions
from tests.random_graphs import random_graphs

pytestmark = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")

OPTIONS = {
    item.name: item.default for part in (NetworkOptions, TrainingOptions) for item in fields(part)
}
OF_STATES = ["gate", "left_out", "pooled_scale"]


@pytest.fixture(scope="module")
def graphs():
    return random_graphs(n_windows=6, n_nodes=5, density=0.8)


def fit(graphs, *, checkpoint=None, **parameters):
    model = TAVRNN(**{"training_epochs": 1, "latent_size": 2, **parameters})
    return model.fit(graphs, checkpoint=checkpoint)


def test_the_profiles_stand_in_one_order():
    assert tuple(PROFILES) == names.PROFILES
    assert TAVRNN().profile == names.PROFILES[0] == "state_space"


@pytest.mark.parametrize(
    "name", sorted(set(OPTIONS) - set(options_of("state_space")) - {"hidden_size", "n_layers"})
)
def test_the_default_refuses_an_option_of_the_network(graphs, name):
    given = {"options": {name: OPTIONS[name]}}
    message = f"'state_space' does not read {name}. Leave it out, or take profile=\"recurrent\""
    with pytest.raises(InputError, match=message):
        fit(graphs, **given)
    fit(graphs, profile="recurrent", **given)


@pytest.mark.parametrize("name", ["hidden_size", "n_layers"])
def test_the_default_refuses_the_width_and_depth_of_the_network(graphs, name):
    with pytest.raises(InputError, match=f"does not read {name}. Leave it out, or take profile"):
        fit(graphs, **{name: 3})
    fit(graphs, profile="recurrent", **{name: 3})


@pytest.mark.parametrize("ablation", ABLATIONS)
def test_the_default_refuses_ablations_of_parts_that_it_has_not(graphs, ablation):
    if ablation == "not_variational":
        assert not fit(graphs, ablation=ablation).network_.uncertainty.any()
        return
    with pytest.raises(InputError, match=f"which ablation='{ablation}' takes away. Leave it out"):
        fit(graphs, ablation=ablation)
    fit(graphs, profile="recurrent", ablation=ablation)


def test_the_default_refuses_a_checkpoint(graphs, tmp_path):
    path = tmp_path / "fit.npz"
    with pytest.raises(InputError, match='does not read checkpoint. .* profile="recurrent"'):
        fit(graphs, checkpoint=path)
    fit(graphs, profile="recurrent", checkpoint=path)
    assert path.exists()


@pytest.mark.parametrize(
    ("options", "profile"),
    [
        ({"embedding": "sample"}, "recurrent"),
        ({"embedding": "weighted"}, "recurrent"),
        ({"recurrence": "trained"}, "recurrent"),
        ({"recurrence": "none"}, "recurrent"),
    ],
)
def test_the_default_refuses_values_of_the_network(graphs, options, profile):
    ((name, value),) = options.items()
    message = f"does not read {name}='{value}'. Choose one of .*, or take profile=\"{profile}\""
    with pytest.raises(InputError, match=message):
        fit(graphs, options=options)
    fit(graphs, profile=profile, options=options)


@pytest.mark.parametrize("profile", ["recurrent", "paper"])
@pytest.mark.parametrize("options", [{name: False} for name in OF_STATES], ids=OF_STATES)
def test_networks_refuse_options_of_states(graphs, profile, options):
    (name,) = options
    message = f"'{profile}' does not read {name}. Leave it out, or take profile=\"state_space\""
    with pytest.raises(InputError, match=message):
        fit(graphs, profile=profile, options=options)
    fit(graphs, options=options)


@pytest.mark.parametrize("recurrence", ["state_space", "independent"])
def test_networks_refuse_the_recurrence_of_states(graphs, recurrence):
    options = {"recurrence": recurrence}
    with pytest.raises(InputError, match=f"does not read recurrence='{recurrence}'. Choose one of"):
        fit(graphs, profile="recurrent", options=options)
    fit(graphs, options=options)


def test_a_value_that_no_profile_has_is_refused_by_its_own_rule(graphs):
    with pytest.raises(InputError, match="^embedding must be one of 'attended', 'joined', 'mean'"):
        fit(graphs, options={"embedding": "means"})


def test_the_former_name_of_a_profile_is_refused_with_the_present_one(graphs):
    message = "one of 'state_space', 'recurrent', 'paper', got 'default'. It is called 'recurrent'"
    with pytest.raises(InputError, match=message):
        fit(graphs, profile="default")


@pytest.mark.parametrize(
    "options",
    [
        {"gate": False}, {"left_out": False}, {"pooled_scale": False}, {"variational": False},
        {"embedding": "mean"}, {"embedding": "attended"}, {"smoothing": "two_sided"},
        {"recurrence": "independent"}, {"training_steps": 3},
    ],
    ids=str,
)  # fmt: skip
def test_every_option_that_the_default_reads_makes_a_difference(options):
    # Couplings that vary in some windows alone, so that gate and scales have something to say.
    graphs = random_graphs(n_windows=12, n_nodes=6, density=0.4)
    plain = TAVRNN(latent_size=2).fit(graphs).transform(graphs)
    other = TAVRNN(latent_size=2, options=options).fit(graphs).transform(graphs)
    same = plain.mean.shape == other.mean.shape and np.array_equal(plain.mean, other.mean)
    assert not (same and np.array_equal(plain.std, other.std))

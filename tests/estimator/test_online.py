"""Windows that arrive one after the other."""

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tests.estimator.made_graphs import two_state_graphs

pytestmark = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")


def streamed(model, graphs, sizes):
    state, parts, first = model.initial_state(), [], 0
    for size in sizes:
        state, embedding = model.step(state, graphs[first : first + size])
        parts.append(embedding)
        first += size
    return parts


@pytest.mark.parametrize(
    ("profile", "options"),
    [
        ("recurrent", {}),
        ("recurrent", {"attention_width": None, "attention": "node", "embedding": "attended"}),
        ("recurrent", {"smoothing": "causal", "attention_width": 3, "embedding": "attended"}),
        ("recurrent", {"attention": "node", "embedding": "weighted"}),
        ("paper", {}),
        ("state_space", {}),
        ("state_space", {"embedding": "attended"}),
    ],
)
@pytest.mark.parametrize("sizes", [[1] * 12, [3, 1, 8]])
def test_stepping_equals_the_whole_sequence(profile, options, sizes):
    graphs, _ = two_state_graphs(n_windows=12, threshold=0.1)
    model = TAVRNN(profile=profile, training_epochs=3, latent_size=3, options=options)
    whole = model.fit(graphs).transform(graphs)
    parts = streamed(model, graphs, sizes)
    # Batched and single products round differently in the last bit.
    for name in ("mean", "std", *(() if profile == "state_space" else ("history",))):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(
        np.concatenate([part.windows.start_s for part in parts]), whole.windows.start_s
    )


@pytest.mark.parametrize("profile", ["state_space", "recurrent"])
def test_a_step_leaves_the_state_before_it_as_it_was(profile):
    graphs, _ = two_state_graphs(n_windows=6)
    model = TAVRNN(training_epochs=1, profile=profile).fit(graphs)
    state = model.initial_state()
    first = model.step(state, graphs[:1])[1]
    assert model.step(state, graphs[:1])[1] == first


@pytest.mark.parametrize("profile", ["state_space", "recurrent"])
def test_two_sided_smoothing_cannot_stream(profile):
    graphs, _ = two_state_graphs()
    options = {"smoothing": "two_sided"}
    model = TAVRNN(training_epochs=1, profile=profile, options=options).fit(graphs)
    with pytest.raises(InputError, match="windows that have not come yet"):
        model.initial_state()


def test_stream_of_several_sessions_needs_a_name():
    graphs = [two_state_graphs(node_prefix=name)[0] for name in "ab"]
    model = TAVRNN(training_epochs=1).fit(graphs, sessions=["one", "two"])
    with pytest.raises(InputError, match=r"Name the session, one of \['one', 'two'"):
        model.initial_state()
    state = model.initial_state(session="two")
    assert model.step(state, graphs[1][:1])[1].n_windows == 1

"""The gradient written out by hand against the recorded one, and against finite differences."""

import itertools

import pytest
import torch

from tavrnn_ephys.methods.tavrnn.nn.decoder import PairTarget
from tavrnn_ephys.methods.tavrnn.nn.model import Network, NetworkState, WindowInput
from tavrnn_ephys.methods.tavrnn.nn.options import options_for

N_WINDOWS, N_VERTICES, N_FEATURES = 5, 6, 3


def network_and_windows(**changes):
    """A small network and random dense graphs in double precision."""
    torch.manual_seed(0)
    options = options_for(
        "recurrent", hidden_size=4, latent_size=2, n_spectral=N_FEATURES, **changes
    )  # fmt: skip
    offset, basis = torch.randn(N_VERTICES, N_VERTICES), torch.randn(N_VERTICES, 2)
    network = Network(
        options,
        n_vertices=N_VERTICES,
        n_features=N_FEATURES,
        n_targets=N_VERTICES,
        offset=offset + offset.T,
        basis=basis,
    ).double()
    windows = []
    for _ in range(N_WINDOWS):
        graph = torch.rand(2, N_VERTICES, N_VERTICES, dtype=torch.float64)
        graph = graph + graph.mT
        target = PairTarget(values=graph[1], binary=False, diagonal=False)
        features = torch.randn(N_VERTICES, N_FEATURES, dtype=torch.float64)
        windows.append(WindowInput(operator=graph[0] / 3, features=features, target=target))
    return network, windows, torch.randn(N_WINDOWS, N_VERTICES, 2, dtype=torch.float64)


def remembered(network, windows, noise):
    """A state with a past."""
    with torch.no_grad():
        return network(windows[:3], network.initial_state(), noise[:3])[1]


def outcome(network, loop, windows, state, noise):
    network.zero_grad()
    output, after = loop(windows, state, noise)
    loss = network.loss_terms(windows, output)["loss"] + output.prior.mean.square().sum()
    loss.backward()
    gradients = {name: value.grad for name, value in network.named_parameters()}
    states = [*after.hidden, *(item for layer in after.memory for item in layer)]
    return loss.detach(), gradients, output.attention, states


OPTIONS = [
    {"attention": attention, "attention_memory": memory, "attention_values": values,
     "attention_width": width, "n_layers": n_layers}
    for attention, memory, values, width, n_layers in itertools.product(
        ["history", "node"], ["recurrent", "attended"], ["bounded", "linear"], [None, 2], [1, 2]
    )
] + [
    {"attention": "none", "n_layers": n_layers, "self_path": self_path, "recurrence": recurrence}
    for n_layers, self_path, recurrence in itertools.product(
        [1, 2], [True, False], ["trained", "untrained", "none"]
    )
] + [{"bias": "recurrence", "self_path": False, "residual": False}]  # fmt: skip


@pytest.mark.parametrize(
    "options", OPTIONS, ids=lambda options: "-".join(map(str, options.values()))
)
def test_written_gradient_equals_the_recorded_one(options):
    network, windows, noise = network_and_windows(**options)
    for state in (network.initial_state(), remembered(network, windows, noise)):
        found = outcome(network, network.forward, windows, state, noise)
        expected = outcome(network, network._recorded_loop, windows, state, noise)
        torch.testing.assert_close(found[0], expected[0])
        for name, gradient in expected[1].items():
            if gradient is None:
                assert found[1][name] is None or not found[1][name].any(), name
            else:
                torch.testing.assert_close(found[1][name], gradient, msg=lambda m, n=name: n + m)
        torch.testing.assert_close(found[2], [item.detach() for item in expected[2]])
        torch.testing.assert_close(found[3], [item.detach() for item in expected[3]])


@pytest.mark.parametrize("attention", ["history", "node", "none"])
@pytest.mark.parametrize("n_layers", [1, 2])
def test_written_gradient_equals_finite_differences(attention, n_layers):
    network, windows, noise = network_and_windows(
        attention=attention, n_layers=n_layers, attention_memory="attended"
    )

    def loss():
        output, _ = network(windows, network.initial_state(), noise)
        return network.loss_terms(windows, output)["loss"]

    loss().backward()
    for name, parameter in network.named_parameters():
        # A random direction per parameter; the error of central differences is of order step².
        direction, step = torch.randn_like(parameter), 1e-5
        with torch.no_grad():
            above = loss_at(parameter, parameter + step * direction, loss)
            below = loss_at(parameter, parameter - step * direction, loss)
            slope = (above - below) / (2 * step)
        expected = (parameter.grad * direction).sum()
        torch.testing.assert_close(expected, slope, rtol=1e-5, atol=1e-7, msg=name)


def loss_at(parameter, values, loss):
    kept = parameter.clone()
    parameter.copy_(values)
    result = loss()
    parameter.copy_(kept)
    return result


def test_second_backward_pass_is_refused():
    network, windows, noise = network_and_windows()
    output, _ = network(windows, network.initial_state(), noise)
    loss = network.loss_terms(windows, output)["loss"]
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="Run the network again"):
        loss.backward()


def test_gradient_flows_into_a_state_that_asks_for_it():
    network, windows, noise = network_and_windows()
    hidden = torch.randn(N_VERTICES, 4, dtype=torch.float64, requires_grad=True)
    output, _ = network(windows, NetworkState([hidden], [[]]), noise)
    network.loss_terms(windows, output)["loss"].backward()
    assert hidden.grad.abs().sum() > 0


def test_windows_one_by_one_equal_a_pass_over_all():
    network, windows, noise = network_and_windows(attention_width=2)
    with torch.no_grad():
        whole, last = network(windows, network.initial_state(), noise)
        state, latents = network.initial_state(), []
        for index, window in enumerate(windows):
            output, state = network([window], state, noise[index : index + 1])
            latents.append(output.latent[0])
    torch.testing.assert_close(torch.stack(latents), whole.latent)
    torch.testing.assert_close(state.hidden, last.hidden)
    torch.testing.assert_close(state.memory, last.memory)

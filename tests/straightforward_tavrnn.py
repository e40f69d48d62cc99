"""
TAVRNN as papers and notebooks write it: an independent implementation to compare with.

Edge lists, the degree norm recomputed in every layer, gather and scatter per edge, attention that
stacks the whole history anew, dense losses by automatic differentiation.  It shares names of
weights with the package, so that both start from the same ones, and nothing else.
"""

import math

import torch
from torch import nn
from torch.nn import functional


class EdgeConvolution(nn.Module):
    """Graph convolution over an edge list."""

    def __init__(self, n_inputs, n_outputs, bias, self_path):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_inputs, n_outputs))
        self.bias = nn.Parameter(torch.zeros(n_outputs)) if bias else None
        self.self_weight = nn.Parameter(torch.empty(n_inputs, n_outputs)) if self_path else None

    def forward(self, x, edge_index, edge_weight):
        source, target = edge_index
        degree = torch.zeros(len(x)).index_add_(0, target, edge_weight.abs())
        scale = degree.rsqrt()
        messages = (x @ self.weight)[source]
        messages = messages * (edge_weight * scale[source] * scale[target]).unsqueeze(1)
        result = torch.zeros(len(x), messages.shape[1]).index_add(0, target, messages)
        if self.self_weight is not None:
            result = result + x @ self.self_weight
        return result if self.bias is None else result + self.bias


class Encoder(nn.Module):
    def __init__(self, hidden_size, latent_size, n_features, bias, self_path, residual):
        super().__init__()
        self.shared = EdgeConvolution(2 * hidden_size, hidden_size, bias, self_path)
        self.mean = EdgeConvolution(hidden_size, latent_size, bias, self_path)
        self.std = EdgeConvolution(hidden_size, latent_size, bias, self_path)
        self.residual = nn.Parameter(torch.empty(n_features, latent_size)) if residual else None


class Prior(nn.Module):
    def __init__(self, hidden_size, latent_size):
        super().__init__()
        self.shared = nn.Linear(hidden_size, hidden_size)
        self.mean = nn.Linear(hidden_size, latent_size)
        self.std = nn.Linear(hidden_size, latent_size)


class GateLayer(nn.Module):
    def __init__(self, n_inputs, hidden_size, self_path):
        super().__init__()
        self.from_input = EdgeConvolution(n_inputs, 3 * hidden_size, True, self_path)
        self.gates = EdgeConvolution(hidden_size, 2 * hidden_size, True, self_path)
        self.candidate = EdgeConvolution(hidden_size, hidden_size, True, self_path)


class Attention(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.value = nn.Linear(hidden_size, hidden_size)


class Decoder(nn.Module):
    def __init__(self, offset, basis):
        super().__init__()
        self.register_buffer("offset", offset.clone())
        self.basis = nn.Parameter(basis.clone())


class StraightforwardTavrnn(nn.Module):
    """
    The whole model, window by window.

    Windows are dictionaries with ``edge_index`` (2, E), ``edge_weight`` (E,), ``features``
    (n_vertices, n_features) and ``target`` (n, n).
    """

    def __init__(self, options, n_features, *, offset=None, basis=None, variance=1.0):
        super().__init__()
        hidden_size, latent_size = options.hidden_size, options.latent_size
        self.options, self.variance = options, variance
        self.project_features = nn.Linear(n_features, hidden_size)
        self.project_latent = nn.Linear(latent_size, hidden_size)
        self.encoder = Encoder(
            hidden_size, latent_size, n_features, options.bias == "everywhere",
            options.self_path, options.residual,
        )  # fmt: skip
        self.prior = Prior(hidden_size, latent_size)
        self.recurrence = nn.ModuleList(
            GateLayer(
                2 * hidden_size if index == 0 else hidden_size, hidden_size, options.self_path
            )
            for index in range(options.n_layers)
        )
        self.recurrence.requires_grad_(options.recurrence == "trained")
        self.attention = nn.ModuleList(Attention(hidden_size) for _ in range(options.n_layers))
        if options.decoder == "unfolded":
            self.decoder = Decoder(offset, basis)

    def attend(self, attention, present, past):
        states = torch.stack([*past, present])
        keys = states[:, -1] @ attention.key.weight.T + attention.key.bias
        query = present[-1] @ attention.query.weight.T + attention.query.bias
        age = torch.arange(len(past), -1, -1)
        scores = keys @ query / math.sqrt(present.shape[1]) - self.options.attention_recency * age
        weights = torch.softmax(scores, dim=0)
        values = states @ attention.value.weight.T + attention.value.bias
        result = (weights[:, None, None] * values).sum(dim=0)
        return torch.tanh(result) if self.options.attention_values == "bounded" else result

    def decode(self, latent):
        if self.options.decoder == "inner":
            return latent @ latent.T
        half = self.decoder.basis @ latent.T
        return self.decoder.offset + 0.5 * (half + half.T)

    def reconstruction(self, decoded, target):
        n = len(target)
        if self.options.target == "signed":
            pairs = ~torch.eye(n, dtype=torch.bool)
            return 0.5 * (decoded - target)[pairs].square().mean() / self.variance
        n_edges = target.sum()
        entropy = functional.binary_cross_entropy_with_logits(
            decoded, target, pos_weight=(n * n - n_edges) / n_edges
        )
        return entropy * n * n / (2 * (n * n - n_edges))

    def forward(self, windows, noise):
        """Return the summed loss and the latent variables of all windows."""
        options = self.options
        n_vertices = len(windows[0]["features"])
        hidden = [torch.zeros(n_vertices, options.hidden_size) for _ in range(options.n_layers)]
        memory = [[] for _ in range(options.n_layers)]
        loss, latents = torch.zeros(()), []
        for window, epsilon in zip(windows, noise, strict=True):
            graph = (window["edge_index"], window["edge_weight"])
            projected = torch.relu(self.project_features(window["features"]))
            shared = torch.relu(
                self.encoder.shared(torch.cat([projected, hidden[-1]], dim=1), *graph)
            )
            mean = self.encoder.mean(shared, *graph)
            if self.encoder.residual is not None:
                mean = mean + window["features"] @ self.encoder.residual
            std = functional.softplus(self.encoder.std(shared, *graph))
            expected = torch.relu(self.prior.shared(hidden[-1]))
            prior_mean = self.prior.mean(expected)
            prior_std = functional.softplus(self.prior.std(expected))
            latent = mean + std * epsilon
            kl = (
                torch.log(prior_std / std)
                + (std**2 + (mean - prior_mean) ** 2) / (2 * prior_std**2)
                - 0.5
            ).sum(dim=1).mean()  # fmt: skip
            if options.kl_scale == "node_mean_twice":
                kl = kl / n_vertices
            target = window["target"]
            loss = loss + options.kl_weight * kl
            loss = loss + self.reconstruction(self.decode(latent[: len(target)]), target)
            inputs = torch.cat([projected, torch.relu(self.project_latent(latent))], dim=1)
            for index, layer in enumerate(self.recurrence):
                state, size = hidden[index], options.hidden_size
                from_input = layer.from_input(inputs, *graph)
                gates = layer.gates(state, *graph)
                update = torch.sigmoid(from_input[:, :size] + gates[:, :size])
                reset = torch.sigmoid(from_input[:, size : 2 * size] + gates[:, size:])
                candidate = torch.tanh(
                    from_input[:, 2 * size :] + layer.candidate(reset * state, *graph)
                )
                inputs = update * state + (1 - update) * candidate
                attended = self.attend(self.attention[index], inputs, memory[index])
                hidden[index] = attended
                kept = attended if options.attention_memory == "attended" else inputs
                memory[index].append(kept)
                if options.attention_width is not None:
                    memory[index] = memory[index][-options.attention_width :]
            latents.append(latent)
        return loss, torch.stack(latents)

    @classmethod
    def like(cls, network, windows, *, variance):
        """Build the same model with the same weights as a network of the package."""
        decoder = getattr(network, "decoder", None)
        model = cls(
            network.options,
            windows[0]["features"].shape[1],
            offset=getattr(decoder, "offset", None),
            basis=getattr(decoder, "basis", None),
            variance=variance,
        )
        for attention in model.attention:
            nn.init.zeros_(attention.key.bias)
        missing, unexpected = model.load_state_dict(network.state_dict(), strict=False)
        if unexpected or not all(name.endswith("key.bias") for name in missing):
            raise ValueError(f"weights differ: {missing}, {unexpected}")
        return model


def plain_windows(graphs, windows, *, signed):
    """Turn the windows of a graph sequence into edge lists."""
    result = []
    for index, window in enumerate(windows):
        adjacency = graphs.signed_adjacency(index) if signed else graphs.adjacency(index)
        edges = adjacency.tocoo()
        features = window.features
        result.append(
            {
                "edge_index": torch.tensor([edges.row.tolist(), edges.col.tolist()]),
                "edge_weight": torch.tensor(edges.data),
                "features": torch.eye(graphs.n_vertices) if features is None else features,
                "target": window.target.values,
            }
        )
    return result

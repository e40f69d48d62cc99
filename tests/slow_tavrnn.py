"""
TAVRNN once more, slowly: NumPy in double precision, one edge at a time, from the formulas.

Nothing is shared with the package but the trained weights and the noise.
"""

import numpy as np


def relu(x):
    return np.maximum(x, 0.0)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0.0)


class SlowTavrnn:
    """Loss and embeddings of a graph sequence, given the weights of a network."""

    def __init__(self, weights, *, signed, kl_weight):
        self.w = {name: value.double().numpy() for name, value in weights.items()}
        self.signed = signed
        self.kl_weight = kl_weight

    # ---- graphs -------------------------------------------------------------

    def edges(self, matrix, history_node):
        """List (i, j, weight) of a window, self-loops and history node included."""
        n = len(matrix)
        edges = [
            (i, j, matrix[i, j] if self.signed else 1.0)
            for i in range(n)
            for j in range(n)
            if i != j and matrix[i, j] != 0
        ]
        if history_node:
            strengths = [abs(weight) for _, _, weight in edges]
            strength = (
                (sum(strengths) / len(strengths) if strengths else 0.0) if self.signed else 1.0
            )
            for i in range(n):
                edges += [(i, n, strength), (n, i, strength)]
        return edges + [(i, i, 1.0) for i in range(n + history_node)]

    def propagate(self, edges, x):
        degree = np.zeros(len(x))
        for i, _, weight in edges:
            degree[i] += abs(weight)
        result = np.zeros_like(x)
        for i, j, weight in edges:
            result[i] += weight / np.sqrt(degree[i] * degree[j]) * x[j]
        return result

    def convolve(self, name, edges, x):
        result = self.propagate(edges, x) @ self.w[f"{name}.weight"]
        if f"{name}.self_weight" in self.w:
            result = result + x @ self.w[f"{name}.self_weight"]
        return result + self.w.get(f"{name}.bias", 0.0)

    def linear(self, name, x):
        return x @ self.w[f"{name}.weight"].T + self.w[f"{name}.bias"]

    # ---- one window ---------------------------------------------------------

    def encode(self, edges, features, hidden):
        projected = relu(self.linear("project_features", features))
        shared = relu(
            self.convolve("encoder.shared", edges, np.concatenate([projected, hidden], axis=1))
        )
        mean = self.convolve("encoder.mean", edges, shared)
        if "encoder.residual" in self.w:
            mean = mean + features @ self.w["encoder.residual"]
        return projected, mean, softplus(self.convolve("encoder.std", edges, shared))

    def expect(self, hidden):
        shared = relu(self.linear("prior.shared", hidden))
        return self.linear("prior.mean", shared), softplus(self.linear("prior.std", shared))

    def recur(self, edges, inputs, hidden, layer):
        name = f"recurrence.{layer}"
        size = hidden.shape[1]
        from_input = self.convolve(f"{name}.from_input", edges, inputs)
        gates = self.convolve(f"{name}.gates", edges, hidden)
        update = sigmoid(from_input[:, :size] + gates[:, :size])
        reset = sigmoid(from_input[:, size : 2 * size] + gates[:, size:])
        candidate = np.tanh(
            from_input[:, 2 * size :] + self.convolve(f"{name}.candidate", edges, reset * hidden)
        )
        return update * hidden + (1 - update) * candidate

    def attend(self, present, past, layer, bounded, recency):
        name = f"attention.{layer}"
        states = [*past, present]
        query = self.linear(f"{name}.query", present[-1])
        scores = np.array([s[-1] @ self.w[f"{name}.key.weight"].T @ query for s in states])
        age = np.arange(len(past), -1, -1)
        weights = np.exp(scores / np.sqrt(len(query)) - recency * age)
        weights = weights / weights.sum()
        # The value map is applied to every state, then averaged: the formula as printed.
        result = sum(
            a * self.linear(f"{name}.value", s) for a, s in zip(weights, states, strict=True)
        )
        return (np.tanh(result) if bounded else result), weights

    # ---- losses -------------------------------------------------------------

    @staticmethod
    def divergence(mean, std, prior_mean, prior_std):
        total = 0.0
        for index in np.ndindex(mean.shape):
            total += (
                np.log(prior_std[index] / std[index])
                + (std[index] ** 2 + (mean[index] - prior_mean[index]) ** 2)
                / (2 * prior_std[index] ** 2)
                - 0.5
            )
        return total / len(mean)

    def binary_loss(self, edges, latent):
        n = len(latent)
        present = {(i, j) for i, j, _ in edges}
        ratio = (n * n - len(present)) / len(present)
        total = 0.0
        for i in range(n):
            for j in range(n):
                logit = latent[i] @ latent[j]
                total += ratio * softplus(-logit) if (i, j) in present else softplus(logit)
        return total / n**2 * n * n / (2 * (n * n - len(present)))

    def signed_loss(self, matrix, latent, variance):
        n, total = len(matrix), 0.0
        offset, basis = self.w["decoder.offset"], self.w["decoder.basis"]
        for i in range(n):
            for j in range(n):
                if i != j:
                    value = offset[i, j] + 0.5 * (basis[i] @ latent[j] + basis[j] @ latent[i])
                    total += 0.5 * (matrix[i, j] - value) ** 2 / variance
        return total / (n * (n - 1))

    # ---- the sequence -------------------------------------------------------

    def run(self, matrices, features, noise, *, history_node, n_layers, hidden_size, width,
            attended_memory, bounded, recency=0.0, variance=None):  # fmt: skip
        n_vertices = len(matrices[0]) + history_node
        hidden = [np.zeros((n_vertices, hidden_size)) for _ in range(n_layers)]
        memory = [[] for _ in range(n_layers)]
        loss, means, rows = 0.0, [], []
        for matrix, x, epsilon in zip(matrices, features, noise, strict=True):
            edges = self.edges(matrix, history_node)
            projected, mean, std = self.encode(edges, x, hidden[-1])
            prior = self.expect(hidden[-1])
            latent = mean + std * epsilon
            kl = self.divergence(mean, std, *prior)
            if self.signed:
                reconstruction = self.signed_loss(matrix, latent[: len(matrix)], variance)
            else:
                reconstruction, kl = self.binary_loss(edges, latent), kl / n_vertices
            loss += reconstruction + self.kl_weight * kl
            inputs = np.concatenate(
                [projected, relu(self.linear("project_latent", latent))], axis=1
            )
            for layer in range(n_layers):
                inputs = self.recur(edges, inputs, hidden[layer], layer)
                attended, weights = self.attend(inputs, memory[layer], layer, bounded, recency)
                hidden[layer] = attended
                memory[layer].append(attended if attended_memory else inputs)
                if width is not None:
                    memory[layer] = memory[layer][-width:]
            means.append(latent)
            rows.append(weights)
        return loss, np.array(means), rows


def slow_basis(matrices, rank):
    """Unfolded spectral basis by a singular value decomposition of the unfolded deviations."""
    mean = np.mean(matrices, axis=0)
    deviations = [matrix - mean for matrix in matrices]
    left, _, _ = np.linalg.svd(np.concatenate(deviations, axis=1), full_matrices=False)
    basis = left[:, :rank]
    for column in range(rank):
        basis[:, column] *= np.sign(basis[np.argmax(np.abs(basis[:, column])), column])
    coordinates = np.array([deviation @ basis for deviation in deviations])
    n = len(mean)
    pairs = ~np.eye(n, dtype=bool)
    variance = np.mean([np.mean(deviation[pairs] ** 2) for deviation in deviations])
    return mean, coordinates / np.sqrt(np.mean(coordinates**2)), variance

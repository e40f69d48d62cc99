"""Separability and alignment of groups, against independent computations."""

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.metrics import silhouette_samples

from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.networks.alignment import group_alignment, shuffle_groups_in_space
from tavrnn_ephys.networks.placement import align_windows, placed_in_plane, spectral_positions

GROUPS = np.repeat(["sensory", "L_up", "R_up"], [12, 8, 6])


def embedding(points, groups=GROUPS, positions=None):
    n = len(points)
    return NodeEmbedding(
        mean=points,
        std=np.ones_like(points),
        windows=Windows(start_s=np.arange(float(n)), stop_s=np.arange(float(n)) + 1),
        nodes=Nodes(ids=range(points.shape[1]), groups=groups, positions_um=positions),
    )


def separated(seed=0, spread=0.1, n_windows=2):
    centers = {"sensory": [1, 0, 0], "L_up": [0, 1, 0], "R_up": [0, 0, 1]}
    rng = np.random.default_rng(seed)
    base = np.array([centers[name] for name in GROUPS], dtype=float)
    return np.stack([base + spread * rng.normal(size=base.shape) for _ in range(n_windows)])


def test_silhouette_equals_sklearn():
    points = separated(spread=0.6)
    found = group_alignment(embedding(points), n_shuffles=0).observed["silhouette"]
    for window, value in zip(points, found, strict=True):
        widths = silhouette_samples(window.astype(np.float32), GROUPS, metric="cosine")
        expected = np.mean([widths[GROUPS == name].mean() for name in np.unique(GROUPS)])
        assert value == pytest.approx(expected, abs=1e-5)


def test_left_out_accuracy_equals_refitting_without_the_node():
    points = separated(spread=0.8, n_windows=1)
    found = group_alignment(embedding(points), n_shuffles=0).observed["group_accuracy"][0]
    nodes = points[0].astype(np.float32).astype(float)
    nodes /= np.linalg.norm(nodes, axis=1, keepdims=True)
    names = ["sensory", "L_up", "R_up"]
    member = np.array([[name == group for name in names] for group in GROUPS], dtype=float)
    design = np.column_stack([np.ones(len(nodes)), nodes])
    penalty = 1e-2 * len(nodes) * np.eye(4)
    penalty[0, 0] = 1e-9
    right = []
    for out in range(len(nodes)):
        kept = np.arange(len(nodes)) != out
        gram = design[kept].T @ design[kept] + penalty
        weights = np.linalg.solve(gram, design[kept].T @ member[kept])
        right.append(np.argmax(design[out] @ weights / member.mean(axis=0)) == member[out].argmax())
    per_group = [np.mean(np.array(right)[GROUPS == name]) for name in names]
    assert found == pytest.approx(np.mean(per_group))


def test_similarity_is_the_mean_cosine_over_groups():
    points = separated(spread=0.5, n_windows=1)
    result = group_alignment(embedding(points), n_shuffles=0)
    nodes = points[0] / np.linalg.norm(points[0], axis=1, keepdims=True)
    cosine = nodes @ nodes.T
    expected = [cosine[np.ix_(GROUPS == "sensory", GROUPS == name)].mean()
                for name in result.groups]  # fmt: skip
    np.testing.assert_allclose(result.pairs["similarity"][0], expected, atol=1e-5)
    assert result.observed["similarity"][0] == pytest.approx(np.mean(expected), abs=1e-5)


def test_principal_angles_of_planes_equal_scipy_in_every_window():
    points = np.random.default_rng(1).normal(size=(5, len(GROUPS), 6))
    result = group_alignment(embedding(points), n_shuffles=0)
    column = result.groups.index("L_up")
    for window, nodes in enumerate(points / np.linalg.norm(points, axis=2, keepdims=True)):
        parts = [nodes[GROUPS == name] for name in ("sensory", "L_up")]
        rank = min(min(map(len, parts)), 6) // 2
        spans = [np.linalg.svd(part)[2][:rank].T for part in parts]
        expected = np.degrees(subspace_angles(*spans)).mean()
        assert rank > 1
        assert result.pairs["principal_angle"][window, column] == pytest.approx(expected, rel=1e-4)


def test_principal_angle_equals_scipy_and_identical_groups_have_none():
    points = separated(n_windows=1)
    result = group_alignment(embedding(points), n_shuffles=0)
    nodes = points[0] / np.linalg.norm(points[0], axis=1, keepdims=True)
    spans = [np.linalg.svd(nodes[GROUPS == name])[2][:1].T for name in ("sensory", "L_up")]
    column = result.groups.index("L_up")
    expected = np.degrees(subspace_angles(*spans)[0])
    assert result.pairs["principal_angle"][0, column] == pytest.approx(expected, abs=1e-3)
    same = np.tile(np.random.default_rng(0).normal(size=(6, 3)), (2, 1))[None]
    twin = group_alignment(embedding(same, np.repeat(["sensory", "x"], 6)), n_shuffles=0)
    assert twin.pairs["principal_angle"][0, 0] == pytest.approx(0, abs=1e-2)
    assert twin.pairs["procrustes"][0, 0] == pytest.approx(0, abs=1e-3)


def test_procrustes_distance_of_orthogonal_directions_by_hand():
    points = np.zeros((1, 6, 2))
    points[0, :3, 0] = points[0, 3:, 1] = 1.0
    result = group_alignment(embedding(points, np.repeat(["sensory", "x"], 3)), n_shuffles=0)
    # Second moments diag(1, 0) and diag(0, 1): a quarter turn maps one root on the other.
    assert result.pairs["procrustes"][0, 0] == pytest.approx(np.sqrt(2.0), abs=1e-6)


def test_separated_groups_stand_out_of_shuffles_and_noise_does_not():
    table = group_alignment(embedding(separated()), n_shuffles=99).to_pandas()
    assert (table["silhouette_p"] == 0.01).all()
    assert (table["group_accuracy_z"] > 4).all()
    noise = np.random.default_rng(1).normal(size=(40, 26, 3))
    p_values = group_alignment(embedding(noise), n_shuffles=99).to_pandas()["silhouette_p"]
    assert 0.3 < p_values.mean() < 0.7


def test_shuffles_in_space_keep_sizes_and_neighbours():
    side = np.arange(12) * 10.0
    places = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    groups = np.where(places[:, 0] < 30, "left", np.where(places[:, 1] < 30, "top", "rest"))
    shuffled = shuffle_groups_in_space(groups, places, n_shuffles=20)
    near = np.hypot(*(places[:, None] - places).transpose(2, 0, 1)) == 10.0

    def neighbours_alike(labels):
        return np.mean((labels[:, None] == labels)[near])

    for row in shuffled:
        assert sorted(row) == sorted(groups)
    alike = np.mean([neighbours_alike(row) for row in shuffled])
    # The map itself is 0.92 alike, a free permutation of it 0.41.
    assert alike > 0.85
    assert np.mean(shuffled[0] != groups) > 0.1


def test_smooth_space_alone_is_no_alignment():
    """An embedding that only follows a node's place fools free shuffles, not those in space."""
    rng = np.random.default_rng(0)
    side = np.arange(8.0)
    places = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    groups = np.where(places[:, 0] < 3, "sensory", np.where(places[:, 1] < 4, "x", "y"))
    free, kept = [], []
    for seed in range(12):
        turn = rng.uniform(0, 2 * np.pi)
        wave = places @ [np.cos(turn), np.sin(turn)] / 2
        points = np.column_stack([np.sin(wave), np.cos(wave), 0.3 * rng.normal(size=64)])[None]
        for positions, into in ((None, free), (places, kept)):
            result = group_alignment(embedding(points, groups, positions), n_shuffles=99, seed=seed)
            assert result.keeps_space == (positions is not None)
            into.append(result.to_pandas()["silhouette_p"][0] < 0.05)
    assert np.mean(free) > 0.6
    assert np.mean(kept) < 0.3


def test_positions_are_those_of_the_weights():
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(10, 2))
    weights = factors @ np.diag([2.0, -1.0]) @ factors.T
    np.fill_diagonal(weights, 0.0)
    found = spectral_positions(ConnectivitySequence.from_array([weights]), latent_size=10)
    # With all directions kept, distances between rows are those between positions.
    gram = found.mean[0] @ found.mean[0].T
    np.testing.assert_allclose(gram, weights @ weights.T, rtol=1e-4, atol=1e-4)


def test_aligned_windows_are_only_rotated():
    first = np.random.default_rng(0).normal(size=(20, 3))
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    both = embedding(np.stack([first, first @ turn]), np.repeat(["a", "b"], 10))
    aligned = align_windows(both, [0, 1])
    np.testing.assert_allclose(aligned[1], first, atol=1e-5)
    assert placed_in_plane(both, [0, 1]).shape == (2, 20, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reference": "motor"}, "No node belongs to the group 'motor'"),
        ({"groups": ["sensory"]}, "is the only group"),
        ({"groups": ["L_up", "gone"]}, "'gone'"),
    ],
)
def test_groups_that_cannot_be_aligned_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        group_alignment(embedding(separated()), n_shuffles=0, **options)


def test_nodes_without_groups_and_small_groups_are_refused():
    points = separated()
    with pytest.raises(InputError, match="No node has a group"):
        group_alignment(embedding(points, [""] * 26))
    with pytest.raises(InputError, match="fewer than 3 nodes .*: 'x'"):
        group_alignment(embedding(points, ["sensory"] * 24 + ["x"] * 2))

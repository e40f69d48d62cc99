"""What every method must do; a new one names how it is built."""

import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone

from tavrnn_ephys.core.containers import NodeEmbedding
from tavrnn_ephys.core.errors import ChanceLossWarning, InputError
from tests.baselines.toys import graphs_for, switching_weights


class MethodContract:
    """Subclasses override ``build``; ``exact`` says whether renaming nodes changes no digit."""

    exact = False
    n_steps = 3

    def build(self, **budget):
        raise NotImplementedError

    def fitted(self, weights, labels, **budget):
        method = self.build(**{"n_steps": self.n_steps, "latent_size": 4, "seed": 0, **budget})
        graphs = graphs_for(method, weights)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ChanceLossWarning)
            method.fit(graphs, labels if method.supervision == "label" else None)
        return method, graphs

    @pytest.fixture
    def toy(self):
        return switching_weights(n_windows=12, dwell=3)

    @pytest.fixture
    def both(self, toy):
        kind = type(self)
        if "kept" not in vars(kind):
            kind.kept = self.fitted(*toy)
        return kind.kept

    def test_declares_what_a_comparison_must_know(self, both):
        method, _ = both
        assert method.supervision in {"none", "time", "label"}
        assert method.features in {"weights", "identity", "rates", "counts"}
        assert isinstance(method.name, str)
        assert isinstance(method.inductive, bool)
        assert isinstance(method.causal, bool)
        assert isinstance(method.takes_unlabelled, bool)
        assert 0 <= method.valid_from < 12

    def test_embeds_every_node_of_every_window(self, both):
        method, graphs = both
        embedding = method.transform(graphs)
        assert isinstance(embedding, NodeEmbedding)
        assert embedding.mean.shape[:2] == (12, 12)
        assert np.isfinite(embedding.mean).all()
        assert embedding.windows == graphs.windows
        assert embedding.nodes == graphs.nodes

    def test_counts_its_optimizer_steps(self, both):
        method, _ = both
        assert method.n_optimizer_steps == 0 or method.n_optimizer_steps >= self.n_steps

    def test_equal_seeds_give_equal_embeddings(self, both, toy):
        method, graphs = both
        if not method.repeatable:
            pytest.skip(f"{method.name} draws random numbers that take no seed.")
        again, _ = self.fitted(*toy)
        np.testing.assert_array_equal(method.transform(graphs).mean, again.transform(graphs).mean)

    def test_later_windows_change_nothing_if_causal(self, both):
        method, graphs = both
        if method.causal:
            whole, part = method.transform(graphs).mean, method.transform(graphs[:8]).mean
            np.testing.assert_allclose(part, whole[:8], atol=1e-5)

    def test_embeds_unseen_windows_if_inductive(self, both):
        method, _ = both
        if method.inductive:
            other = graphs_for(method, switching_weights(n_windows=7, dwell=2, seed=5)[0])
            assert np.isfinite(method.transform(other).mean).all()

    def test_learns_from_several_stretches(self, both, toy):
        method, graphs = both
        again = clone(method)
        labels = toy[1] if method.supervision == "label" else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ChanceLossWarning)
            again.fit([graphs[:6], graphs[6:]], labels)
        assert again.transform(graphs[2:9]).mean.shape[0] == 7

    def test_learns_from_windows_without_a_label_if_it_says_so(self, both, toy):
        method, graphs = both
        if method.takes_unlabelled:
            labels = np.where(np.arange(12) < 8, toy[1].astype(str), "")
            assert np.isfinite(clone(method).fit(graphs, labels).transform(graphs).mean).all()

    def test_other_nodes_and_another_order_are_refused(self, both, toy):
        method, _ = both
        for ids in ([*range(11), "x"], [1, 0, *range(2, 12)]):
            with pytest.raises(InputError, match="other nodes than those of fit"):
                method.transform(graphs_for(method, toy[0], ids=ids))

    def test_leaves_its_input_alone(self, both, toy):
        method, graphs = both
        method.transform(graphs)
        assert graphs == graphs_for(method, toy[0])

    def test_order_in_which_edges_are_stored_changes_nothing(self, both):
        method, graphs = both
        mixed = []
        for matrix in graphs.weights:
            edges = matrix.tocoo()
            order = np.random.default_rng(0).permutation(edges.nnz)
            loose = scipy.sparse.coo_array(
                (edges.data[order], (edges.row[order], edges.col[order])), shape=edges.shape
            ).tocsr()
            for row in range(len(graphs.nodes)):
                part = slice(loose.indptr[row], loose.indptr[row + 1])
                loose.indices[part] = loose.indices[part][::-1].copy()
                loose.data[part] = loose.data[part][::-1].copy()
            loose.has_sorted_indices = False
            mixed.append(scipy.sparse.csr_array(loose))
        import dataclasses

        other = dataclasses.replace(graphs, weights=tuple(mixed))
        np.testing.assert_allclose(
            method.transform(other).mean, method.transform(graphs).mean, atol=1e-5
        )

    def test_renaming_nodes_changes_nothing(self, toy):
        weights, labels = switching_weights(n_windows=40)
        order = np.random.default_rng(1).permutation(12)
        renamed = weights[:, order][:, :, order]
        method, graphs = self.fitted(weights, labels, n_steps=60)
        other, others = self.fitted(renamed, labels, n_steps=60)
        mine, theirs = method.transform(graphs).mean, other.transform(others).mean
        if self.exact:
            np.testing.assert_allclose(np.abs(theirs), np.abs(mine[:, order]), atol=2e-4)
        # Which window resembles which, whatever the nodes are called.
        agreement = np.corrcoef(_distances(mine), _distances(theirs))[0, 1]
        assert agreement > (0.999 if self.exact else 0.5), agreement


def _distances(embedding):
    from scipy.spatial.distance import pdist

    flat = embedding.reshape(len(embedding), -1)
    return pdist((flat - flat.mean(axis=0)) / (flat.std() + 1e-9))

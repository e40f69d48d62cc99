"""Which pairs are coupled on average."""

import numpy as np

from tavrnn_ephys.methods.tavrnn.factors.gate import fit_gate


def _mixture(share, size, seed=0, n_pairs=4000):
    rng = np.random.default_rng(seed)
    coupled = rng.random(n_pairs) < share
    return rng.normal(size=n_pairs) + size * coupled, coupled


def test_coupled_pairs_are_told_from_others():
    z, coupled = _mixture(0.2, 5.0)
    gate = fit_gate(z)
    assert gate.probability[coupled].mean() > 0.85 > 0.2 > gate.probability[~coupled].mean()


def test_small_values_of_a_rare_sign_count_as_noise():
    z, _ = _mixture(0.2, 3.0)
    gate = fit_gate(z)
    negative = gate.probability[np.abs(z + 2.0) < 0.2].mean()
    assert gate.probability[np.abs(z - 2.0) < 0.2].mean() > 3 * negative


def test_both_signs_are_found_where_both_are_there():
    z, _ = _mixture(0.2, 4.0)
    inhibited, _ = _mixture(0.2, -4.0, seed=1)
    shares = fit_gate(np.concatenate([z, inhibited])).shares
    assert (shares[1:] > 0.06).all()


def test_opposite_signs_give_opposite_gates():
    z, _ = _mixture(0.2, 3.0)
    np.testing.assert_allclose(fit_gate(z).mean_square, fit_gate(-z).mean_square, rtol=1e-6)


def test_far_tails_stay_finite():
    gate = fit_gate(np.array([-400.0, 0.0, 0.5, 400.0]))
    assert np.isfinite(gate.mean_square).all()
    assert np.isfinite(gate.probability).all()

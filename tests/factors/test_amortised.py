"""A short version of ``docs/measurements/amortised.py``, its scores given."""

import numpy as np

from docs.measurements import amortised
from tavrnn_ephys.methods.tavrnn.factors import learning, loadings, windows


def made_up(task, seed, setting):
    """Sixteen factors gain in one task, and a wider prior in none beyond chance."""
    gain = 0.02 * (setting["factors"] == 16) * (task == "drift")
    chance = 0.02 * (-1) ** seed * (setting["prior degrees of freedom"] == 80.0)
    return 0.8 + gain + chance + 0.001 * seed


def test_what_gains_in_one_task_is_learnt_for_it(monkeypatch, capsys):
    monkeypatch.setattr(amortised, "score", made_up)
    together, by_task = amortised.searched(range(4), amortised.TASKS, amortised.DEFAULT)
    assert by_task["drift"] == {**amortised.DEFAULT, "factors": 16}
    assert by_task["switching"] == amortised.DEFAULT
    # A third of the gain is left in the mean over tasks, the same in every network.
    assert together == by_task["drift"]
    amortised.compared(range(4, 8), together, by_task)
    printed = capsys.readouterr().out
    assert "| each task | drift | +0.020 (+0.020 to +0.020) | factors 16 |" in printed
    assert "| each task | switching | +0.000 (+0.000 to +0.000) | the default |" in printed


def test_a_setting_reaches_the_fit_and_leaves_nothing_behind():
    modules = (windows, loadings, learning)
    before = [dict(vars(module)) for module in modules]
    changed = {"prior degrees of freedom": 80.0, "power of the gate": 0.5, "first decay": 0.5}
    z = np.array([0.1, -0.2, 0.3, 9.0])
    usual = loadings.fit_gate(z).mean_square
    with amortised.patched({**amortised.DEFAULT, **changed}):
        assert windows._PRIOR_FREEDOM == 80.0
        np.testing.assert_allclose(loadings.fit_gate(z).mean_square, np.sqrt(usual))
        assert learning._START_DECAY == 0.5
    assert [dict(vars(module)) for module in modules] == before

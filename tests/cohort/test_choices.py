"""A study takes the choices of ``analyze``, down to the stored results."""

import datetime

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A recording with two behaviours, linked to both from its fourth second on."""
    folder = tmp_path_factory.mktemp("choices")
    rng, times = np.random.default_rng(0), np.arange(0, 30, 0.1)
    block = te.block_from_arrays(
        spike_times=[np.sort(rng.uniform(0, 30, 200)) for _ in range(8)],
        t_start=0 * pq.s, t_stop=30 * pq.s,
        behavior={"speed": np.sin(times), "pressure": np.cos(0.7 * times)},
        behavior_rate=10 * pq.Hz,
    )  # fmt: skip
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    te.write_nwb(block, folder / "rat.nwb")
    (folder / "cohort.yaml").write_text(
        "defaults: {bin_size: 100ms, window: 2s, step: 1s, training_epochs: 1}\n"
        "recordings:\n"
        "  - {file: rat.nwb, behavior: [speed, pressure], behavior_how: [mean, nearest],\n"
        "     behavior_nulls: 19, density: 0.2, from: 4s}\n"
    )
    cohort = te.Cohort.from_manifest(folder / "cohort.yaml", folder / "study")
    return cohort, cohort.run()


def facts_of(cohort):
    with te.open_results(cohort.file("rat")) as run:
        return {key.removeprefix("config."): value for key, value in run.provenance.items()}


def test_two_behaviours_of_a_manifest_are_stored_with_their_choices(study):
    cohort, status = study
    assert status.is_complete, status.reasons
    facts = facts_of(cohort)
    assert (facts["behavior.name"], facts["behavior.how"]) == ("speed", "mean")
    assert (facts["behavior2.name"], facts["behavior2.how"]) == ("pressure", "nearest")
    assert facts["behavior.n_nulls"] == facts["behavior2.n_nulls"] == 19


def test_time_and_density_of_a_manifest_hold_for_the_plan_and_the_results(study):
    cohort, _ = study
    windows = cohort.results("rat").windows
    assert len(windows) == cohort.plan.recordings[0].n_windows == 25
    assert windows.start_s[0] == 4
    assert facts_of(cohort)["analysis.density"] == 0.2

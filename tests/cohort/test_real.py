"""Real recordings as a cohort: their numbers are those of single analyses."""

import re

import numpy as np
import pytest

import tavrnn_ephys as te

DAYS = (21, 27, 34, 41, 45, 59, 73)


@pytest.fixture(scope="module")
def cohort(recordings, tmp_path_factory):
    """Seven days of one culture, and two retinae."""
    folder = tmp_path_factory.mktemp("real")
    rows = [f"{recordings}/hipsc-mea/hiPSN_tc65_d{day}_spikes6sd.h5,tc65,{day},20s" for day in DAYS]
    retinae = ("Demas2003_6WK_CTRL_ME1", "Maccione2014_P11_m1r2_Spkts_bursts_filtered")
    rows += [f"{recordings}/retina-mea/{name}.h5,{name[:4]},0,300s" for name in retinae]
    manifest = folder / "cohort.csv"
    manifest.write_text("file,culture,day,window\n" + "\n".join(rows) + "\n")
    choices = {"bin_size": "100ms", "training_epochs": 1, "session_start": "2013-01-01"}
    cohort = te.Cohort.from_manifest(manifest, folder / "study", **choices, step="150s")
    status = cohort.run()
    assert status.is_complete, str(status)
    return cohort


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.DataLossWarning")
def test_every_shard_equals_the_analysis_of_its_recording_alone(cohort):
    planned = next(item for item in cohort.plan.recordings if "d45" in item.id)
    alone = te.analyze(te.read(planned.file), planned.choices.config)
    results = cohort.results(planned.id)
    np.testing.assert_array_equal(results.embedding.mean, alone.embedding.mean)
    np.testing.assert_array_equal(results.connectivity.weights, alone.connectivity.weights)


def test_the_table_holds_the_numbers_of_single_runs(cohort):
    found = cohort.report().recordings.set_index("id")
    for item in cohort.plan.recordings:
        alone = te.read_results(cohort.file(item.id), what="connectivity")
        assert found.loc[item.id, "n_nodes"] == alone.n_nodes
        assert found.loc[item.id, "mean_activity"] == np.asarray(alone.mean_activity).mean()


def test_the_trend_over_days_is_that_of_the_table(cohort):
    with pytest.warns(te.DataLossWarning, match="do not enter the trend within cultures"):
        found = cohort.report(trend="day")
    days = [int(re.search(r"_d(\d+)_", name)[1]) for name in found.recordings["id"][:7]]
    assert list(found.recordings["trend"][:7]) == list(DAYS) == days
    row = found.trends.set_index("measure").loc["mean_activity"]
    ranks = [
        np.argsort(np.argsort(values)) for values in (days, found.recordings["mean_activity"][:7])
    ]
    assert row["correlation"] == pytest.approx(np.corrcoef(ranks)[0, 1], abs=1e-9)

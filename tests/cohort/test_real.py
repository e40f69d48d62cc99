"""Real recordings as a cohort: their numbers are those of single analyses."""

import re

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.core.spec import RecordingSpec
from tavrnn_ephys.studies.analysis import graphs_of
from tavrnn_ephys.studies.recording import open_recording

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


@pytest.fixture(scope="module")
def found(cohort):
    with pytest.warns(te.DataLossWarning, match="do not enter the trend within cultures"):
        return cohort.report(trend="day")


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.DataLossWarning")
@pytest.mark.filterwarnings("ignore::tavrnn_ephys.ChanceLossWarning")
def test_a_shard_equals_the_analysis_of_its_recording_alone(cohort):
    planned = next(item for item in cohort.plan.recordings if "d45" in item.id)
    alone = te.analyze(te.read(planned.file), planned.choices.config)
    results = cohort.results(planned.id)
    np.testing.assert_array_equal(results.embedding.mean, alone.embedding.mean)
    np.testing.assert_array_equal(results.connectivity.weights, alone.connectivity.weights)


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.DataLossWarning")
def test_the_table_holds_the_numbers_of_each_recording_alone(cohort, found):
    table = found.recordings.set_index("id")
    rule = te.AbsoluteThreshold(value=found.threshold)
    for item in cohort.plan.recordings:
        config = item.choices.config
        alone = open_recording(item.file, RecordingSpec(), config.windows)
        weights, _ = graphs_of(alone.activity, alone.windows, config)
        density = te.network_measures(weights, measures=["density"], threshold=rule)["density"]
        assert (item.n_nodes, item.n_windows) == (weights.n_nodes, weights.n_windows)
        assert table.loc[item.id, "n_nodes"] == weights.n_nodes
        assert table.loc[item.id, "mean_activity"] == np.asarray(weights.mean_activity).mean()
        assert table.loc[item.id, "density"] == density.mean()


def test_the_trend_over_days_is_that_of_the_table(found):
    days = [int(re.search(r"_d(\d+)_", name)[1]) for name in found.recordings["id"][:7]]
    assert list(found.recordings["trend"][:7]) == list(DAYS) == days
    row = found.trends.set_index("measure").loc["mean_activity"]
    ranks = [
        np.argsort(np.argsort(values)) for values in (days, found.recordings["mean_activity"][:7])
    ]
    assert row["correlation"] == pytest.approx(np.corrcoef(ranks)[0, 1], abs=1e-9)

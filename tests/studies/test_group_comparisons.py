"""``compare`` with more than two conditions, factors, edges and network states."""

import json

import pandas as pd
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.studies.recordings import ComparisonConfig
from tests.test_cli import dated

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning"),
]
HOW = ["--bin-size", "20ms", "--window", "10s"]
CONDITIONS = ("before", "drug", "wash")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Four cultures of two lines in three conditions, the second of which couples them."""
    folder = tmp_path_factory.mktemp("conditions")
    made = []
    for culture in range(4):
        for number, condition in enumerate(CONDITIONS):
            block = te.simulate_culture(
                n_nodes=20,
                duration=20 * pq.s,
                mean_rate_hz=10.0,
                coupled_fraction=0.7 if condition == "drug" else 0.05,
                n_states=1,
                seed=10 * culture + number,
            )
            block.annotations["subject"] = {
                "subject_id": f"culture <{culture}>", "genotype": condition,
                "strain": "AB"[culture % 2], "species": "Mus musculus",
            }  # fmt: skip
            made.append(te.write_nwb(dated(block), folder / f"{condition}{culture}.nwb"))
    return list(map(str, made))


def refused(capsys, *arguments):
    assert main([*arguments]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_three_conditions_within_cultures(files, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["compare", *files, *HOW, "--group-by", "genotype", "--paired", "--out",
                 str(out)]) == 0  # fmt: skip
    omnibus = pd.read_csv(out / "omnibus.csv").set_index("measure")
    assert omnibus.loc["mean_weight", "conditions"] == "before, drug, wash"
    assert omnibus.loc["mean_weight", "is_within"]
    assert omnibus.loc["mean_weight", "p_value"] < 0.05
    # Six orders of the names of conditions are as far apart, of 6 to the power of 4.
    assert omnibus.loc["mean_weight", "smallest_p"] == pytest.approx(6 / 6**4)
    effects = pd.read_csv(out / "effects.csv")
    assert set(effects["contrast"]) == {"before - drug", "before - wash", "drug - wash"}
    assert "omnibus" not in capsys.readouterr().err


def test_factors_between_and_within_cultures(files, tmp_path):
    pytest.importorskip("statsmodels")
    out = tmp_path / "out"
    assert main(["compare", *files, *HOW, "--group-by", "genotype,strain", "--out",
                 str(out)]) == 0  # fmt: skip
    table = pd.read_csv(out / "mixed.csv").set_index(["measure", "term"])
    assert table.loc[("mean_weight", "genotype"), "p_value"] < 0.01
    assert table.loc[("mean_weight", "strain"), "df_left"] == 2
    assert ("mean_weight", "genotype x strain") in table.index
    assert not (out / "effects.csv").exists()


def test_edges_are_compared_and_named(files, tmp_path, capsys):
    two = [path for path in files if "wash" not in path]
    out = tmp_path / "out"
    assert main(["compare", *two, *HOW, "--group-by", "genotype", "--paired", "--nbs",
                 "--nbs-threshold", "4", "--out", str(out), "--json"]) == 0  # fmt: skip
    found = json.loads(capsys.readouterr().out)["nbs"]
    edges = pd.read_csv(out / "nbs_edges.csv")
    components = pd.read_csv(out / "nbs_components.csv")
    assert components["n_edges"].iloc[0] == (edges["component"] == 0).sum() > 3
    # Four cultures flip in sixteen ways, two of which are as far apart.
    assert components["p_value"].iloc[0] == pytest.approx(2 / 16)
    assert edges["node_1"].str.startswith("ch").all()
    assert (edges["difference"] > 0).mean() > 0.9
    assert len(found["edges"]) == len(edges)


def test_measures_of_states_are_compared(files, tmp_path):
    two = [path for path in files if "wash" not in path]
    out = tmp_path / "out"
    short = ["--bin-size", "20ms", "--window", "1s"]
    assert main(["compare", *two, *short, "--group-by", "genotype", "--paired", "--states", "2",
                 "--out", str(out)]) == 0  # fmt: skip
    recordings = pd.read_csv(out / "recordings.csv")
    assert (recordings["n_states"] == 2).all()
    assert recordings["state_occupancy"].between(0.5, 1).all()
    assert {"state_occupancy", "state_changes_per_min"} <= set(
        pd.read_csv(out / "effects.csv")["measure"]
    )


def test_few_windows_for_states_are_refused_before_the_work(files, capsys):
    said = refused(capsys, "compare", *files, *HOW, "--states", "auto")
    assert "2 windows are too few to tell states apart" in said


def test_edges_of_other_nodes_are_refused(files, tmp_path, capsys):
    block = te.simulate_culture(n_nodes=22, duration=20 * pq.s, seed=5)
    block.annotations["subject"] = {"subject_id": "other", "genotype": "wash", "strain": "A",
                                    "species": "Mus musculus"}  # fmt: skip
    other = str(te.write_nwb(dated(block), tmp_path / "other.nwb"))
    said = refused(capsys, "compare", *files, other, *HOW, "--group-by", "strain", "--nbs")
    assert "'other' and 'before0' differ in 2 ('ch0020', 'ch0021')" in said


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"is_mixed": True}, "A mixed model needs the condition of each file"),
        ({"compares_edges": True}, "A comparison of edges needs the condition"),
        ({"group_by": "a,b", "is_paired": True}, "leave --paired and --nbs out"),
        ({"group_by": "a", "nbs_size": "mass"}, "nbs_size"),
        ({"states": "many"}, "whole number, or 'auto'"),
    ],
)
def test_choices_that_do_not_go_together_are_refused(choices, message):
    with pytest.raises(InputError, match=message):
        ComparisonConfig(**choices)


def test_a_factor_that_names_the_recording_is_refused(files, capsys):
    said = refused(capsys, "compare", *files, *HOW, "--group-by", "genotype,file")
    assert "'file' cannot be a factor" in said

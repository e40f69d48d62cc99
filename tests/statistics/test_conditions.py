"""More than two conditions, factors and edges: held against references and hand-worked cases."""

import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway, ttest_ind, ttest_rel

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.statistics.conditions import design_of

DRUGS = ("none", "low", "high")


def study(seed=0, n_cultures=8, effect=0.0):
    rng = np.random.default_rng(seed)
    level = rng.normal(size=n_cultures)
    return pd.DataFrame(
        [
            {"culture": f"c{index}", "line": "AB"[index % 2], "drug": drug,
             "density": level[index] + effect * place + rng.normal(),
             "constant": 1.0}
            for index in range(n_cultures)
            for place, drug in enumerate(DRUGS)
        ]
    )  # fmt: skip


def symmetric(rng, n, n_nodes=5):
    weights = rng.normal(size=(n, n_nodes, n_nodes))
    return weights + weights.swapaxes(1, 2)


# ---- permutation ---------------------------------------------------------------


def test_f_over_cultures_is_that_of_scipy():
    values = np.random.default_rng(0).normal(size=(9, 4))
    groups = np.repeat(["a", "b", "c"], 3)
    design = design_of(values, groups)
    expected = f_oneway(*(values[groups == name] for name in "abc")).statistic
    np.testing.assert_allclose(design.f_values(design.codes), expected, rtol=1e-10)


def test_f_within_cultures_is_that_of_statsmodels():
    anova = pytest.importorskip("statsmodels.stats.anova")
    table = study(1)
    found = te.condition_effects(table, ["density"], culture="culture", condition="drug",
                                 n_permutations=99)  # fmt: skip
    expected = anova.AnovaRM(table, "density", "culture", within=["drug"]).fit().anova_table
    assert found["f_value"].item() == pytest.approx(expected["F Value"].item())
    assert found["is_within"].item()


def test_two_conditions_within_cultures_give_the_square_of_the_paired_t():
    values = np.random.default_rng(2).normal(size=(10, 3))
    design = design_of(values, ["a", "b"] * 5, np.repeat(range(5), 2))
    expected = ttest_rel(values[::2], values[1::2]).statistic ** 2
    np.testing.assert_allclose(design.f_values(design.codes), expected, rtol=1e-10)


def test_every_arrangement_within_cultures_is_gone_through_once():
    design = design_of(np.random.default_rng(0).normal(size=(6, 1)), ["a", "b"] * 3,
                       np.repeat(range(3), 2))  # fmt: skip
    codes, n_extreme = design.arrangements(9999, seed=0)
    assert len(codes) == len({row.tobytes() for row in codes}) == 2**3
    assert n_extreme == 2
    np.testing.assert_array_equal(codes[0], design.codes)
    drawn, alone = design.arrangements(4, seed=0)
    assert (len(drawn), alone) == (5, 1)


def test_p_value_over_three_groups_by_all_arrangements():
    values = np.array([0.0, 0.1, 1.0, 1.2, 2.0, 2.3])
    groups = np.repeat(["a", "b", "c"], 2)
    table = pd.DataFrame({"x": values, "group": groups, "culture": range(6)})
    found = te.condition_effects(table, ["x"], culture="culture", condition="group")
    statistics = [
        f_oneway(*(values[np.array(order) == name] for name in "abc")).statistic
        for order in set(itertools.permutations(groups))
    ]
    observed = f_oneway(*(values[groups == name] for name in "abc")).statistic
    expected = np.mean(np.array(statistics) >= observed * (1 - 1e-9))
    assert found["p_value"].item() == pytest.approx(expected)
    # Six orders of the three names are as far apart, of ninety in all.
    assert found["smallest_p"].item() == pytest.approx(6 / 90)


def test_recordings_of_one_culture_do_not_add_to_their_number():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=8), "group": list("aabbccaa"),
                          "culture": list("11223344")})  # fmt: skip
    with pytest.raises(InputError, match="'b' has 1 culture; a test over cultures needs two"):
        te.condition_effects(table, ["x"], culture="culture", condition="group")


def test_cultures_that_lack_a_condition_are_left_out_and_named():
    table = study(0).iloc[:-1]
    with pytest.warns(DataLossWarning, match="1 cultures lack a condition .* 'c7'"):
        found = te.condition_effects(table, ["density"], culture="culture", condition="drug",
                                     n_permutations=99)  # fmt: skip
    assert found["n_cultures"].item() == 7


def test_conditions_that_differ_within_cultures_are_found():
    table = study(0, effect=2.0)
    found = te.condition_effects(table, ["density"], culture="culture", condition="drug")
    assert found["p_value"].item() < 0.01


@pytest.mark.parametrize(
    ("conditions", "values", "message"),
    [
        (["a", "a"], np.zeros((2, 1)), "All recordings have the condition 'a'"),
        (["a", "b"], np.zeros((3, 1)), "need as many conditions"),
        (["a", "b"], np.full((2, 1), np.nan), "must be finite"),
    ],
)
def test_what_no_test_can_be_made_of_is_refused(conditions, values, message):
    with pytest.raises(InputError, match=message):
        design_of(values, conditions)


# ---- mixed model ---------------------------------------------------------------


def test_mixed_model_equals_statsmodels():
    formula = pytest.importorskip("statsmodels.formula.api")
    table = study(3, n_cultures=9, effect=0.3).iloc[:-2]
    found = te.mixed_effects(table, ["density"], culture="culture", factors=["drug", "line"])
    fitted = formula.mixedlm(
        "density ~ C(drug, Sum) * C(line, Sum)", table, groups=table["culture"]
    ).fit(reml=True)
    names = list(fitted.fe_params.index)
    for term, part in (("drug", ["C(drug, Sum)["]), ("line", ["C(line, Sum)["])):
        chosen = [name for name in names if name.startswith(part[0]) and ":" not in name]
        contrast = np.array([[name == one for name in fitted.params.index] for one in chosen])
        wald = fitted.wald_test(contrast.astype(float), scalar=True, use_f=False).statistic
        f_value = found.set_index("term").loc[term, "f_value"]
        assert f_value == pytest.approx(float(wald) / len(chosen), rel=2e-3)


def test_mixed_model_of_a_balanced_study_is_the_analysis_of_repeated_measures():
    anova = pytest.importorskip("statsmodels.stats.anova")
    table = study(4)
    found = te.mixed_effects(table, ["density"], culture="culture", factors=["drug"]).iloc[0]
    expected = anova.AnovaRM(table, "density", "culture", within=["drug"]).fit().anova_table
    assert found["f_value"] == pytest.approx(expected["F Value"].item(), rel=1e-3)
    assert found["p_value"] == pytest.approx(expected["Pr > F"].item(), rel=1e-3)
    assert (found["df_term"], found["df_left"]) == (2, 14)


def test_a_factor_between_cultures_is_judged_by_their_number():
    pytest.importorskip("statsmodels")
    table = study(5)
    found = te.mixed_effects(table, ["density"], culture="culture", factors=["drug", "line"])
    assert found.set_index("term")["df_left"].to_dict() == {
        "drug": 12, "line": 6, "drug x line": 12,
    }  # fmt: skip
    means = table.groupby(["culture", "line"])["density"].mean().reset_index()
    expected = ttest_ind(*(part["density"] for _, part in means.groupby("line")))
    line = found.set_index("term").loc["line"]
    assert line["p_value"] == pytest.approx(expected.pvalue, rel=1e-2)


def test_a_measure_that_does_not_vary_has_no_p_value():
    pytest.importorskip("statsmodels")
    found = te.mixed_effects(study(), ["constant"], culture="culture", factors=["drug"])
    assert found["p_value"].isna().all()


@pytest.mark.parametrize(
    ("change", "factors", "message"),
    [
        (lambda table: table, ["constant"], "is '1.0' everywhere"),
        (lambda table: table[(table.line == "A") | (table.drug == "low")], ["drug", "line"],
         "2 of 6 combinations"),
        (lambda table: table[table.drug == "low"], ["line"], "Every culture has one recording"),
        (lambda table: table, ["drug", "drug"], "one to 3 different factors"),
    ],
)  # fmt: skip
def test_models_without_an_answer_are_refused(change, factors, message):
    with pytest.raises(InputError, match=message):
        te.mixed_effects(change(study()), ["density"], culture="culture", factors=factors)


# ---- network-based statistic ---------------------------------------------------


def largest_by_hand(weights, is_second, threshold, *, intensity=False):
    """Edge by edge with SciPy, components with networkx."""
    graph = nx.Graph()
    n_nodes = weights.shape[1]
    for one, two in itertools.combinations(range(n_nodes), 2):
        values = weights[:, one, two]
        t = abs(ttest_ind(values[is_second], values[~is_second]).statistic)
        if t > threshold:
            graph.add_edge(one, two, weight=t - threshold)
    parts = [graph.subgraph(nodes) for nodes in nx.connected_components(graph)]
    weight = "weight" if intensity else None
    return max((part.size(weight=weight) for part in parts), default=0)


@pytest.mark.parametrize("size", ["extent", "intensity"])
def test_network_based_statistic_worked_by_hand(size):
    rng = np.random.default_rng(0)
    weights = symmetric(rng, 8)
    weights[4:, :3, :3] += 2.0
    given = np.arange(8) >= 4
    found = te.network_based_statistic(
        weights, np.where(given, "game", "rest"), threshold=1.5, size=size, n_permutations=9999
    )
    intensity = size == "intensity"
    every = []
    for chosen in itertools.combinations(range(8), 4):
        is_second = np.isin(np.arange(8), chosen)
        every.append(largest_by_hand(weights, is_second, 1.5, intensity=intensity))
    observed = largest_by_hand(weights, given, 1.5, intensity=intensity)
    assert found.components["size"].iloc[0] == pytest.approx(observed)
    assert found.p_value == pytest.approx(np.mean(np.array(every) >= observed - 1e-9))
    assert found.null.smallest_p == pytest.approx(2 / 70)


def test_sets_hold_the_edges_that_hang_together():
    weights = np.zeros((8, 6, 6))
    noise = symmetric(np.random.default_rng(1), 8, 6) * 1e-3
    weights[4:, 0, 1] = weights[4:, 1, 2] = weights[4:, 4, 5] = 1.0
    weights = weights + weights.swapaxes(1, 2) + noise
    found = te.network_based_statistic(weights, [0] * 4 + [1] * 4, threshold=50.0,
                                       node_ids=list("abcdef"))  # fmt: skip
    named = [set(zip(part["node_1"], part["node_2"], strict=True))
             for _, part in found.edges.groupby("component")]  # fmt: skip
    assert named == [{("a", "b"), ("b", "c")}, {("e", "f")}]
    assert found.components["n_nodes"].tolist() == [3, 2]
    np.testing.assert_allclose(found.edges["difference"], 1.0, atol=0.01)
    assert "2 edges among 3 nodes" in str(found)


def test_conditions_are_permuted_within_cultures():
    rng = np.random.default_rng(2)
    weights = np.repeat(symmetric(rng, 6) * 5, 2, axis=0) + symmetric(rng, 12) * 0.3
    weights[1::2, :3, :3] += 1.0
    conditions, cultures = ["before", "after"] * 6, np.repeat(range(6), 2)
    within = te.network_based_statistic(weights, conditions, cultures=cultures, threshold=3.0)
    over = te.network_based_statistic(weights, conditions, threshold=3.0)
    assert within.is_within
    assert not over.is_within
    assert within.p_value == pytest.approx(2 / 64)
    assert over.p_value > 0.05


def test_more_than_two_conditions_have_an_f_and_a_default_threshold():
    weights = symmetric(np.random.default_rng(3), 12)
    weights[8:, :3, :3] += 4.0
    found = te.network_based_statistic(weights, np.repeat(list("abc"), 4), n_permutations=499)
    assert found.statistic == "f"
    assert found.threshold == pytest.approx(16.39, abs=0.01)
    assert found.p_value < 0.05


def test_no_edge_beyond_the_threshold_is_no_set():
    weights = symmetric(np.random.default_rng(4), 8)
    found = te.network_based_statistic(weights, [0] * 4 + [1] * 4, threshold=100.0)
    assert found.components.empty
    assert found.p_value == 1.0
    assert str(found).endswith("no edge.")


@pytest.mark.parametrize(
    ("weights", "options", "message"),
    [
        (np.zeros((4, 3)), {}, "must have shape"),
        (np.triu(np.ones((4, 3, 3)), 1), {}, "must be symmetric"),
        (np.zeros((4, 3, 3)), {"node_ids": ["a"]}, "There are 1 node_ids for 3 nodes"),
        (np.zeros((4, 3, 3)), {"size": "mass"}, "size"),
        (np.zeros((4, 3, 3)), {"threshold": -1.0}, "threshold"),
    ],
)
def test_networks_that_cannot_be_compared_are_refused(weights, options, message):
    with pytest.raises(InputError, match=message):
        te.network_based_statistic(weights, [0, 0, 1, 1], **options)


def test_few_null_studies_are_found_significant():
    found = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        result = te.network_based_statistic(
            symmetric(rng, 10, 8), [0] * 5 + [1] * 5, threshold=2.0, n_permutations=99, seed=seed
        )
        found += result.p_value < 0.05
    # Of 60 studies at 5 %, more than 8 happen once in 400 times.
    assert found <= 8

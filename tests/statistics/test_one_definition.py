"""Each rule of statistics is written once, in ``statistics/``; other rooms call it."""

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "tavrnn_ephys"
STATISTICS = "statistics/"

# Draws with replacement that are no bootstrap and no null, each with its reason.
DRAWS = {
    "connectivity/surrogates.py": "one shift per node makes a surrogate recording, not a p-value",
    "datasets/": "simulations draw spikes and couplings",
    "methods/": "training draws windows and starts of walks",
    "networks/measures.py": "a random graph gets a seed",
    "networks/states/model.py": "one shift per pair makes a surrogate recording, not a p-value",
}
# Random orders that are no permutation test.
ORDERS = {
    "connectivity/noise.py": "shuffled bins give the noise of a correlation matrix",
    "connectivity/surrogates.py": "shuffled bins make a control recording",
    "datasets/": "simulations visit their states in random order",
    "methods/": "training goes through rows in random order",
    "networks/attention.py": "windows in random order are fitted anew; no p-value follows",
    "networks/states/differences.py": "pairs are divided at random into parts",
}
# What SciPy gives is called in one place.
LIBRARY = {
    "false_discovery_control": "statistics/discoveries.py",
    "bootstrap": "statistics/resampling.py",
    "permutation_test": None,
}


def _is_one(node):
    return isinstance(node, ast.Constant) and node.value in (1, 1.0)


def _adds_one(node):
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add)
        and (_is_one(node.left) or _is_one(node.right))
    )


def _called(node):
    """Name of the function or method that a call names."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _without_replacement(call):
    given = {item.arg: item.value for item in call.keywords}
    replace = given.get("replace")
    return isinstance(replace, ast.Constant) and replace.value is False


def quotients(nodes):
    """Lines that divide something plus one by something plus one."""
    return [
        node.lineno
        for node in nodes
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and _adds_one(node.left)
        and _adds_one(node.right)
    ]


def draws(nodes):
    """Lines that draw with replacement: choice without ``replace=False``, or whole numbers."""
    return [
        node.lineno
        for node in nodes
        if isinstance(node, ast.Call)
        and (
            (_called(node) in {"choice", "choices"} and not _without_replacement(node))
            or _called(node) in {"integers", "randint"}
        )
    ]


def orders(nodes):
    """Lines that put something into random order."""
    names = {"permutation", "permuted", "shuffle"}
    return [
        node.lineno
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
    ]


def shifts_of_time(nodes):
    """Lines that rotate an array."""
    return [node.lineno for node in nodes if isinstance(node, ast.Call) and _called(node) == "roll"]


def chance_intervals(nodes):
    """Lines that take the 2.5th percentile."""
    return [
        call.lineno
        for call in nodes
        if isinstance(call, ast.Call) and _called(call).endswith(("quantile", "percentile"))
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and node.value in (0.025, 2.5)
    ]


def nodes_of(text):
    """Every node of the syntax of a text."""
    return list(ast.walk(ast.parse(text)))


@cache
def nodes_of_file(path):
    return nodes_of(path.read_text())


@pytest.fixture(scope="module", autouse=True)
def _forget():
    """Every file is parsed once for all rules, and the room given back."""
    yield
    nodes_of_file.cache_clear()


def places(rule, allowed=()):
    """Files outside statistics that break a rule, with the lines."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        if not place.startswith((STATISTICS, *allowed)):
            lines = rule(nodes_of_file(path))
            if lines:
                found[place] = lines
    return found


def within_statistics(rule):
    return {
        path.name: lines
        for path in sorted((PACKAGE / STATISTICS).rglob("*.py"))
        if (lines := rule(nodes_of_file(path)))
    }


def test_a_count_becomes_a_p_value_in_one_function():
    assert places(quotients) == {}
    assert {name: len(lines) for name, lines in within_statistics(quotients).items()} == {
        "nulls.py": 1
    }


def test_nothing_outside_statistics_draws_with_replacement_for_a_null():
    assert places(draws, DRAWS) == {}
    # SciPy's bootstrap draws; the one draw left is a coin: which neighbours form the pairs.
    assert {name: len(lines) for name, lines in within_statistics(draws).items()} == {
        "time_shifts.py": 1
    }


def test_permutations_stand_in_statistics():
    assert places(orders, ORDERS) == {}
    # Beside the orders of all units, those within cultures, of which each counts once too.
    assert {name: len(lines) for name, lines in within_statistics(orders).items()} == {
        "conditions.py": 1,
        "resampling.py": 1,
    }


def test_behaviour_is_shifted_in_statistics():
    allowed = {"connectivity/surrogates.py": "the trace of each node is shifted on its own"}
    assert places(shifts_of_time, allowed) == {}


def test_chance_intervals_are_taken_in_statistics():
    assert places(chance_intervals) == {}
    assert {name: len(lines) for name, lines in within_statistics(chance_intervals).items()} == {
        "nulls.py": 1
    }


@pytest.mark.parametrize("name", LIBRARY)
def test_each_function_of_scipy_is_called_in_one_place(name):
    def calls(nodes):
        return [
            node.lineno for node in nodes if isinstance(node, ast.Call) and _called(node) == name
        ]

    expected = set() if LIBRARY[name] is None else {LIBRARY[name]}
    found = {f"{STATISTICS}{file}" for file in within_statistics(calls)} | set(places(calls))
    assert found == expected


# A decoder takes the behaviour and its nulls together; a fit per shift would be a second way.
DECODERS = {
    "logistic_scores": {"evaluation/alternation.py", "evaluation/classifiers.py"},
    "KNeighborsClassifier": {"evaluation/classifiers.py"},
    "LogisticRegression": set(),
    "LogisticRegressionCV": set(),
    "RidgeClassifier": set(),
    "Ridge": set(),
    "RidgeCV": set(),
}


@pytest.mark.parametrize("name", DECODERS)
def test_each_decoder_is_defined_in_one_place(name):
    def mentions(nodes):
        return [
            node.lineno
            for node in nodes
            if (isinstance(node, ast.Name) and node.id == name)
            or (isinstance(node, ast.alias) and node.name == name)
        ]

    assert set(places(mentions)) == DECODERS[name]
    assert within_statistics(mentions) == {}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (quotients, "p = (n + 1) / (m + 1)"),
        (quotients, "p = (1 + np.sum(a >= b)) / (1.0 + len(a))"),
        (draws, "rng.choice(possible, size=n, replace=n > len(possible))"),
        (draws, "rng.integers(len(x), size=len(x))"),
        (orders, "rng.permutation(labels)"),
        (shifts_of_time, "np.roll(labels, 3)"),
        (chance_intervals, "np.quantile(null, [0.025, 0.975])"),
    ],
)
def test_a_second_definition_is_noticed(rule, text):
    assert rule(nodes_of(text)) == [1]


def test_a_draw_without_replacement_is_none():
    assert draws(nodes_of("rng.choice(possible, n, replace=False)")) == []


@pytest.mark.parametrize(("rule", "allowed"), [(draws, DRAWS), (orders, ORDERS)])
def test_exceptions_are_needed(rule, allowed):
    found = places(rule)
    for place in allowed:
        assert any(file.startswith(place) for file in found), place

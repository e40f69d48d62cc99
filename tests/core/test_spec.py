"""Specifications: checked at construction, written as facts, read back, also by former keys."""

import dataclasses
import inspect
import pickle

import pytest
import quantities as pq

from tavrnn_ephys.connectivity import measures
from tavrnn_ephys.core import names
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.spec import (
    BehaviorSpec,
    ConnectivitySpec,
    GraphSpec,
    ModelSpec,
    RecordingSpec,
    WindowSpec,
    from_facts,
    to_facts,
    unknown_facts,
)

SPECS = [
    RecordingSpec(
        adapter="mat",
        options={"node_axis": 1, "bin_size": 20 * pq.ms, "wells": ["A1", "B2"]},
        segment_index=1,
        node_groups={"ch 1": "L2/3", "ch,2": "é"},
    ),
    WindowSpec(bin_size_s=0.05, window_length_s=2.0, step_s=1.0),
    ConnectivitySpec(measure="cross_correlation", options={"max_lag": 40 * pq.ms}),
    ConnectivitySpec(measure="partial", options={"shrinkage": 0.1}, silent_nodes="nan"),
    GraphSpec(threshold=0.6, features="rates", history_node=False),
    ModelSpec(profile="paper", training_epochs=3, seed=7),
    BehaviorSpec(name="heading", how="circular_mean", period=360.0, groups=("a,b", "c")),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)
def test_facts_give_the_specification_back(spec):
    facts = {f"config.{key}": value for key, value in to_facts(spec).items()}
    assert all(isinstance(value, str | int | float | bool | None) for value in facts.values())
    assert from_facts(type(spec), facts) == spec


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)
def test_a_specification_is_frozen_and_travels(spec):
    assert pickle.loads(pickle.dumps(spec)) == spec
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(spec, dataclasses.fields(spec)[0].name, None)


@pytest.mark.parametrize("facts", [{}, {"config.analysis.profile": "default"}])
def test_runs_of_former_releases_are_of_the_recurrent_profile(facts):
    assert ModelSpec().profile == names.PROFILES[0] == "state_space"
    assert from_facts(ModelSpec, facts).profile == "recurrent"


def test_a_profile_is_refused_by_its_former_name():
    with pytest.raises(InputError, match="got 'default'. It is called 'recurrent' now."):
        ModelSpec(profile="default")


def test_former_keys_of_reading_are_known():
    facts = {"origin.adapter": "nwb", "origin.reading.t_stop": "2.5 min"}
    spec = from_facts(RecordingSpec, facts)
    assert spec == RecordingSpec(adapter="nwb", options={"t_stop": 2.5 * pq.min})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WindowSpec(bin_size_s=0, window_length_s=1, step_s=1), "bin_size_s must be"),
        (lambda: WindowSpec(bin_size_s=0.1, window_length_s=0.25, step_s=0.1), "whole number of"),
        (lambda: ConnectivitySpec(measure="nope"), "measure must be one of"),
        (lambda: ConnectivitySpec(measure="cross_correlation"), "needs max_lag"),
        (lambda: ConnectivitySpec(options={"max_lag": 1 * pq.s}), "has no option 'max_lag'"),
        (lambda: ConnectivitySpec(options={"binary": True}), "cannot set 'binary'"),
        (
            lambda: ConnectivitySpec(measure="cross_correlation", options={"max_lag": 3}),
            "max_lag must be a scalar with a unit of time",
        ),
        (lambda: GraphSpec(threshold=-1), "threshold must be"),
        (lambda: ModelSpec(seed=-1), "seed must be"),
        (lambda: BehaviorSpec(name=""), "chosen by its name"),
        (lambda: BehaviorSpec(name="x", how="nope"), "how must be one of"),
        (lambda: BehaviorSpec(name="x", groups="sensory"), "list of names"),
        (lambda: RecordingSpec(segment_index=-1), "segment_index must be"),
        (lambda: RecordingSpec(node_groups=["a"]), "name the group of each node"),
    ],
)
def test_a_broken_rule_is_refused_at_construction(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_lag_that_exceeds_the_window_is_refused_before_anything_is_read():
    windows = WindowSpec(bin_size_s=0.1, window_length_s=2.0, step_s=1.0)
    for lag, message in ((5 * pq.s, "shorter than the window"), (0.25 * pq.s, "whole number of")):
        spec = ConnectivitySpec(measure="cross_correlation", options={"max_lag": lag})
        with pytest.raises(InputError, match=message):
            spec.check_windows(windows)


def test_facts_without_what_is_needed_are_refused():
    with pytest.raises(InputError, match="does not say step_s"):
        from_facts(WindowSpec, {"analysis.bin_size_s": 1.0, "analysis.window_length_s": 2.0})


def test_a_measure_of_ones_own_is_stored_by_name_and_not_read_back():
    def mine(values):
        return values

    facts = to_facts(ConnectivitySpec(measure=mine))
    assert facts["analysis.measure"] == "mine"
    with pytest.raises(InputError, match="measure must be one of"):
        from_facts(ConnectivitySpec, facts)


def test_unknown_keys_are_listed():
    facts = {"config.analysis.tau": 1, "config.analysis.measure_options.dt": "1 s"}
    assert unknown_facts(facts, [ConnectivitySpec], "analysis.") == ["tau"]


def test_parameters_of_measures_are_those_of_their_functions():
    for name, known in names.MEASURES.items():
        parameters = list(inspect.signature(measures.MEASURES[name]).parameters.values())[1:]
        own = {
            item.name: item.default is item.empty
            for item in parameters
            if item.name not in ("bin_size_s", "spike_times_s", "n_before")
        }
        assert own == dict(known), name

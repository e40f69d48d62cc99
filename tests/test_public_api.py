"""Nothing that was public is lost: names, parameters, commands, options, names of modules."""

import sys
import warnings
from importlib import import_module

import pytest

from tavrnn_ephys.core.moved import MOVED
from tests.public_api import SNAPSHOT, command_lines, parameters

LINES = SNAPSHOT.read_text().splitlines()
NAMES = [line for line in LINES if not line.startswith("$")]


def _resolve(name):
    module, _, rest = name.partition(":")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        found = import_module(module)
    for part in rest.split("."):
        found = getattr(found, part)
    return found


def _lost(line):
    name, _, text = line.partition(" ")
    found = _resolve(name)
    if text in {"", "property"}:
        return set()
    kept = set(parameters(found))
    # Who had to pass a parameter may still pass it where it has gained a default.
    kept |= {item.partition("=")[0] for item in kept}
    return set(text.split(" | ")) - kept


def test_public_names_and_parameters_are_kept():
    lost = {}
    for line in NAMES:
        try:
            missing = _lost(line)
        except AttributeError as error:
            missing = {str(error)}
        if missing:
            lost[line.partition(" ")[0]] = missing
    assert lost == {}


def test_a_lost_parameter_is_noticed():
    assert _lost("tavrnn_ephys:read path:POSITIONAL_OR_KEYWORD | gone:KEYWORD_ONLY=None")
    with pytest.raises(AttributeError):
        _lost("tavrnn_ephys:gone")


def test_a_changed_default_is_noticed_and_a_gained_one_is_not():
    assert _lost("tavrnn_ephys:read adapter:KEYWORD_ONLY='nwb'")
    assert not _lost("tavrnn_ephys:read adapter:KEYWORD_ONLY")


def test_commands_and_options_are_kept():
    assert {line for line in LINES if line.startswith("$")} <= set(command_lines())


@pytest.mark.parametrize("old", MOVED)
def test_old_name_of_a_module_leads_to_the_new_one(old):
    sys.modules.pop(f"tavrnn_ephys.{old}", None)
    new = [f"tavrnn_ephys.{name}" for name in MOVED[old].split(", ")]
    with pytest.warns(FutureWarning, match=f"tavrnn_ephys.{old} is {' and '.join(new)} since"):
        module = import_module(f"tavrnn_ephys.{old}")
    targets = [import_module(name) for name in new]
    for target in targets:
        assert target.__spec__.name == target.__name__
        assert all(getattr(module, name) for name in getattr(target, "__all__", ()))
    assert len(targets) > 1 or module is targets[0]


def test_old_name_of_a_submodule_is_not_loaded_twice():
    from tavrnn_ephys.methods.uase import UASE

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        again = import_module("tavrnn_ephys.baselines.uase")
    assert again.UASE is UASE


def test_the_warning_points_at_the_import():
    sys.modules.pop("tavrnn_ephys.trends", None)
    with pytest.warns(FutureWarning) as caught:
        import tavrnn_ephys.trends  # noqa: F401
    assert caught[0].filename == __file__

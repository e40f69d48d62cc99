"""YAML as people write it: no hidden numbers, no key twice."""

import math

import pytest

from tavrnn_ephys.core.yaml_text import YamlFault, load_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0123", "0123"), ("7:30", "7:30"), ("1:30.5", "1:30.5"), ("0", 0), ("-12", -12),
        ("0x1f", 31), ("0.5", 0.5), (".5", 0.5), ("1.5e-7", 1.5e-7), ("-.inf", -math.inf),
        ("true", True), ("yes", True), ("text", "text"), ("~", None),
    ],
)  # fmt: skip
def test_scalar_is_read_as_it_is_meant(text, value):
    found = load_yaml(f"key: {text}")["key"]
    assert (found, type(found)) == (value, type(value))


def test_nan_is_read():
    assert math.isnan(load_yaml("key: .nan")["key"])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a: 1\na: 2", "the key 'a' stands twice"),
        ("a: [", "expected"),
        ("a: !!bool maybe", "maybe"),
        ("a: !!python/object/apply:os.getpid []", "could not determine a constructor"),
    ],
)
def test_faulty_text_is_refused(text, match):
    with pytest.raises(YamlFault, match=match):
        load_yaml(text)


def test_other_readers_of_pyyaml_stay_as_they_are():
    import yaml

    load_yaml("a: 1")
    assert yaml.safe_load("0123") == 83

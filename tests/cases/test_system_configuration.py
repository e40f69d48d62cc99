"""Configurations and metadata that are made to take for ever: bounded time, one sentence."""

import time

import pytest

from tavrnn_ephys.cli.configuration import read_config
from tavrnn_ephys.cli.program import build_parser
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.studies.conversion import read_metadata

MOST_S = 20.0  # Seconds on a busy machine; without limits minutes, or all memory.


@pytest.fixture(scope="module")
def parser():
    commands = build_parser()._subparsers._group_actions[0].choices
    return commands["analyze"]


def bomb(reference):
    levels = ["a0: &a0 {k: v}"]
    for level in range(1, 30):
        parts = ", ".join([f"*a{level - 1}"] * 10)
        levels.append(f"a{level}: &a{level} {reference.format(parts)}")
    return "\n".join(levels)


HOSTILE = {
    "aliases": (bomb("[{}]"), "repeats parts of itself more than 10 times"),
    "merge": (bomb("{{<<: [{}]}}"), "repeats parts of itself more than 10 times"),
    "deep flow": ("a: " + "[" * 5000, "nested more than 50 deep"),
    "deep block": ("\n".join(" " * n + f"k{n}:" for n in range(200)), "nested more than 50 deep"),
    "many keys": (
        "\n".join(f"key_{n}: {n}" for n in range(40_000)),
        "bytes; at most 131072 are read",
    ),
    "twice": ("\n".join(f"k{n}: 1" for n in range(8_000)) + "\nk7: 2", "'k7' stands twice"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_configuration_gets_one_sentence_in_time(tmp_path, parser, kind):
    text, said = HOSTILE[kind]
    path = tmp_path / "options.yaml"
    path.write_text(text)
    start = time.perf_counter()
    with pytest.raises(InputError, match=said) as told:
        read_config(path, parser)
    assert time.perf_counter() - start < MOST_S
    assert "\n" not in str(told.value)
    assert str(told.value).endswith(".")


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE if kind != "twice"])
def test_hostile_metadata_get_one_sentence_in_time(tmp_path, kind):
    text, said = HOSTILE[kind]
    path = tmp_path / "mouse.yaml"
    path.write_text(text)
    start = time.perf_counter()
    with pytest.raises(InputError, match=said) as told:
        read_metadata(path)
    assert time.perf_counter() - start < MOST_S
    assert "\n" not in str(told.value)


def test_a_few_references_are_no_bomb(tmp_path, parser):
    path = tmp_path / "options.yaml"
    path.write_text("bin-size: &size 50ms\nwindow: 2min\nstep: *size\n")
    found = read_config(path, parser)
    assert found["step"] == found["bin_size"] == 0.05


def test_a_configuration_of_gigabytes_is_not_read(tmp_path, parser):
    path = tmp_path / "options.toml"
    with path.open("wb") as stream:
        stream.truncate(2**33)
    start = time.perf_counter()
    with pytest.raises(InputError, match="holds 8589934592 bytes"):
        read_config(path, parser)
    assert time.perf_counter() - start < MOST_S

"""What every adapter that reads files must do; a new one names its class and a file."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io.blocks import (
    node_signals,
    nodes_of_signal,
    nodes_of_spiketrains,
    segment_limits_s,
)
from tavrnn_ephys.io.finding import list_adapters
from tavrnn_ephys.io.outlines import Outliner
from tavrnn_ephys.io.protocols import Reader


def nodes_of(segment: Any) -> Nodes:
    """Nodes of a segment, from its spike trains or its traces."""
    if len(segment.spiketrains):
        return nodes_of_spiketrains(segment.spiketrains)
    return nodes_of_signal(node_signals(segment)[0])


def is_sentence(text: Any) -> bool:
    """Whether a text could be printed for people: words, and a full stop."""
    return isinstance(text, str) and text.endswith(".") and len(text.split()) > 1


def _said_to(adapter: Any, file: Path, options: Mapping[str, Any], option: str) -> str:
    """What an adapter says to an option without a value; nothing if it reads the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            adapter.read(file, **{**options, option: None})
    except (InputError, FileFormatError) as error:
        return str(error)
    return ""


class ReaderContract:
    """Subclasses set ``adapter_class`` and override the fixture ``file``."""

    adapter_class: type[Any]
    # Options without which the file cannot be read.
    options: Mapping[str, Any] = MappingProxyType({})
    # Whether an adapter that outlines recordings can outline this one.
    has_outline = True

    @pytest.fixture
    def file(self) -> Path:
        raise NotImplementedError

    def test_offers_what_a_reader_offers(self) -> None:
        adapter = self.adapter_class()
        assert isinstance(adapter, Reader)
        assert all(suffix == suffix.lower() for suffix in adapter.suffixes)

    def test_is_installed_under_its_name(self) -> None:
        assert isinstance(list_adapters()[self.adapter_class.name], self.adapter_class)

    def test_says_what_it_chooses_and_how_to_choose_otherwise(
        self, file: Path, tmp_path: Path
    ) -> None:
        adapter, name = self.adapter_class(), self.adapter_class.__name__
        choices = getattr(adapter, "choices", {})
        reason = getattr(adapter, "nothing_to_choose", "")
        assert isinstance(choices, Mapping), f"{name}.choices must be a mapping of options."
        assert bool(choices) != bool(reason), (
            f"declare {name}.choices: by option, what is taken without it, such as "
            '{"plane": "The first plane."}. If nothing in a file could be meant otherwise, say '
            f'why in {name}.nothing_to_choose = "A file holds one list of spikes.", and leave '
            "choices out."
        )
        for said in (*choices.values(), *([reason] if reason else [])):
            assert is_sentence(said), f"{name} says {said!r} where a sentence is needed."
        if choices:
            self._require_options(adapter, choices, [tmp_path / "absent", file])

    def _require_options(self, adapter: Any, options: Mapping[str, str], paths: list[Path]) -> None:
        """Demand that options are known, at the first path at which others are refused."""
        name, unknown = type(adapter).__name__, ""
        # Most adapters look at the options first, and need no time to read.
        for path in paths:
            unknown = _said_to(adapter, path, self.options, "no_such_option")
            if "no_such_option" in unknown:
                break
        assert "no_such_option" in unknown, f"{name}.read must refuse options that it has not."
        for option in options:
            said = _said_to(adapter, path, self.options, option)
            assert said != unknown.replace("no_such_option", option), (
                f"{name}.choices names {option!r}, which {name}.read does not take."
            )

    def test_recognises_its_file_alone(self, file: Path) -> None:
        suiting = [name for name, item in list_adapters().items() if item.recognises(file)]
        assert suiting == [self.adapter_class.name]

    @pytest.mark.parametrize("content", [b"", b"no recording at all\n", b"\x89HDF\r\n\x1a\n\0"])
    def test_does_not_recognise_anything_else(self, tmp_path: Path, content: bytes) -> None:
        other = tmp_path / f"other{self.adapter_class.suffixes[0]}"
        other.write_bytes(content)
        assert not self.adapter_class().recognises(other)
        assert not self.adapter_class().recognises(tmp_path / "absent")

    def test_node_ids_are_unique_and_positions_finite(self, file: Path) -> None:
        nodes = nodes_of(self.adapter_class().read(file, **self.options).segments[0])
        assert len(set(nodes.ids)) == len(nodes)
        assert nodes.positions_um is None or np.isfinite(nodes.positions_um).all()

    def test_times_lie_in_order_within_the_limits(self, file: Path) -> None:
        segment = self.adapter_class().read(file, **self.options).segments[0]
        for train in segment.spiketrains:
            times = train.rescale("s").magnitude
            assert np.all(np.diff(times) >= 0)
            assert np.all((times >= float(train.t_start)) & (times <= float(train.t_stop)))
        for signal in node_signals(segment):
            assert np.all(np.diff(signal.times.magnitude) > 0)

    def test_its_outline_is_that_of_what_it_reads(self, file: Path) -> None:
        adapter = self.adapter_class()
        if not isinstance(adapter, Outliner):
            return
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            outlines = adapter.outline(file, **self.options)
        segments = adapter.read(file, **self.options).segments
        assert (outlines is not None) == self.has_outline
        for outline, segment in zip(outlines or (), segments, strict=self.has_outline):
            assert outline.n_nodes == len(nodes_of(segment))
            limits = segment_limits_s(segment)
            assert (outline.t_start_s, outline.t_stop_s) == pytest.approx(limits, abs=0.5)

    def test_source_stays_byte_for_byte(self, file: Path) -> None:
        before = file.read_bytes()
        self.adapter_class().read(file, **self.options)
        assert file.read_bytes() == before

    @pytest.mark.parametrize("share", [0.3, 0.95])
    def test_truncated_copy_is_refused(self, file: Path, tmp_path: Path, share: float) -> None:
        content = file.read_bytes()
        self._assert_refused(tmp_path, content[: int(share * len(content))])

    def test_empty_file_is_refused(self, tmp_path: Path) -> None:
        self._assert_refused(tmp_path, b"")

    def test_text_file_is_refused(self, tmp_path: Path) -> None:
        self._assert_refused(tmp_path, b"time,unit\n0.1,3\n")

    def _assert_refused(self, folder: Path, content: bytes) -> None:
        copy = folder / f"copy{self.adapter_class.suffixes[0]}"
        copy.write_bytes(content)
        with pytest.raises(FileFormatError, match=f"'{copy.name}'") as caught:
            self.adapter_class().read(copy, **self.options)
        assert "\n" not in str(caught.value)

    def test_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(FileFormatError, match="no file"):
            self.adapter_class().read(tmp_path / "absent.h5")

    def test_unknown_option_is_refused(self, file: Path) -> None:
        with pytest.raises(InputError, match="no option 'colour'.* It has: "):
            self.adapter_class().read(file, **self.options, colour="red")

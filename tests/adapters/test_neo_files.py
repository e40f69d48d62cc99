"""Formats that Neo reads."""

import gc
import pickle
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import neo
import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.adapters.neo_files import NeoAdapter
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io.blocks import nodes_of_spiketrains
from tests.adapters.contract import ReaderContract

# Neo leaves its files to the collector of garbage.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


class _NeoContract(ReaderContract):
    adapter_class = NeoAdapter

    @pytest.mark.parametrize("share", [0.001, 0.3])
    def test_truncated_copy_is_refused(self, file: Path, tmp_path: Path, share: float) -> None:
        copy = tmp_path / f"copy{file.suffix}"
        content = file.read_bytes()
        copy.write_bytes(content[: int(share * len(content))])
        if share < 0.01:
            with pytest.raises(FileFormatError, match="'copy"):
                NeoAdapter().read(copy)
            return
        # Neo reads what is whole of these formats, or fails.
        with suppress(FileFormatError):
            assert len(NeoAdapter().read(copy).segments) > 0


class TestBlackrock(_NeoContract):
    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "formats/neo/blackrock/FileSpec2.3001.nev"


class TestNeuroExplorer(_NeoContract):
    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "formats/neo/nex/CS056P07R-MEME1.nex"


def nex_counts(path: Path) -> list[int]:
    """Numbers of spikes of the neurons in a NeuroExplorer file, read by hand."""
    content = path.read_bytes()
    (n_variables,) = struct.unpack_from("<i", content, 280)
    headers = (544 + 208 * index for index in range(n_variables))
    return [
        struct.unpack_from("<i", content, header + 76)[0]
        for header in headers
        if struct.unpack_from("<i", content, header)[0] == 0
    ]


@pytest.mark.parametrize("name", ["CS056P07R-MEME1.nex", "File_neuroexplorer_1.nex"])
def test_neuroexplorer_has_the_spikes_of_its_headers(recordings: Path, name: str) -> None:
    path = recordings / "formats/neo/nex" / name
    trains = NeoAdapter().read(path).segments[0].spiketrains
    assert [len(train) for train in trains] == nex_counts(path)


def test_blackrock_has_the_packets_of_its_file(recordings: Path) -> None:
    path = recordings / "formats/neo/blackrock/FileSpec2.3001.nev"
    content = path.read_bytes()
    (header,), (size,) = (struct.unpack_from("<I", content, at) for at in (12, 16))
    packets = range(header, len(content), size)
    ids = [struct.unpack_from("<H", content, at + 4)[0] for at in packets]
    trains = NeoAdapter().read(path).segments[0].spiketrains
    assert sum(map(len, trains)) == sum(0 < identity <= 2048 for identity in ids)


def test_signals_wait_in_their_file(recordings: Path) -> None:
    block = NeoAdapter().read(recordings / "formats/neo/blackrock/l101210-001.ns2")
    (signal,) = block.segments[0].analogsignals
    assert not isinstance(signal, neo.AnalogSignal)
    assert (signal.annotations["role"], signal.shape) == ("raw", (3640, 6))
    assert signal.load().shape == (3640, 6)
    nodes = nodes_of_spiketrains(block.segments[0].spiketrains)
    assert len(nodes) == len(set(nodes.ids)) == 218


def test_phy_folder_is_named_by_its_parameters(tmp_path: Path) -> None:
    folder = tmp_path / "phy"
    folder.mkdir()
    (folder / "params.py").write_text("dat_path = 'raw.dat'\nsample_rate = 1000.\n")
    np.save(folder / "spike_times.npy", np.array([100, 200, 500]))
    np.save(folder / "spike_templates.npy", np.array([0, 1, 0], dtype=np.uint32))
    np.save(folder / "spike_clusters.npy", np.array([0, 1, 0], dtype=np.int32))
    np.save(folder / "amplitudes.npy", np.ones(3))
    assert NeoAdapter().recognises(folder / "params.py")
    trains = NeoAdapter().read(folder / "params.py").segments[0].spiketrains
    assert [train.magnitude.tolist() for train in trains] == [[0.1, 0.5], [0.2]]


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "block.pkl"
    path.write_bytes(pickle.dumps(neo.Block()))
    assert not NeoAdapter().recognises(path)
    with pytest.raises(FileFormatError, match="Neo has no reader"):
        NeoAdapter().read(path)
    with pytest.raises(InputError, match="reader must name one of Neo's readers"):
        NeoAdapter().read(path, reader="PickleIO")


def test_a_reader_can_be_chosen(recordings: Path) -> None:
    path = recordings / "formats/neo/nex/CS056P07R-MEME1.nex"
    assert NeoAdapter().read(path, reader="NeuroExplorerIO").segments[0].spiketrains
    with pytest.raises(FileFormatError, match="Neo cannot read .* \\(PlexonIO"):
        NeoAdapter().read(path, reader="PlexonIO")


def test_no_own_format_is_swallowed(recordings: Path) -> None:
    adapter: Any = NeoAdapter()
    for name in ("formats/nwb/nwb_test.nwb", "formats/maxwell/maxone_network.raw.h5",
                 "formats/3brain/biocam_hw3.0_fw1.6.brw", "formats/suite2p/plane0/F.npy",
                 "formats/caiman/caiman_analysis.hdf5"):  # fmt: skip
        assert not adapter.recognises(recordings / name)


def test_units_of_a_nix_file_are_kept(tmp_path: Path) -> None:
    # Neo's other reader of NIX takes milliseconds and kilohertz for seconds and hertz.
    block = neo.Block(name="session")
    segment = neo.Segment(name="part")
    segment.spiketrains.append(
        neo.SpikeTrain([100.0, 1500.0] * pq.ms, t_start=50 * pq.ms, t_stop=2000 * pq.ms, name="a")
    )
    segment.analogsignals.append(
        neo.AnalogSignal(np.arange(200.0)[:, np.newaxis] * pq.mV, sampling_rate=0.1 * pq.kHz)
    )
    block.segments.append(segment)
    path = tmp_path / "session.nix"
    with neo.io.NixIO(str(path), "ow") as file:
        file.write_block(block)
    found = NeoAdapter().read(path).segments[0]
    train, signal = found.spiketrains[0], found.analogsignals[0]
    assert train.rescale("s").magnitude.tolist() == [0.1, 1.5]
    assert (float(train.t_start.rescale("s")), float(train.t_stop.rescale("s"))) == (0.05, 2.0)
    assert float(signal.t_stop.rescale("s")) == pytest.approx(2.0)


def test_times_of_nix_keep_their_unit_and_names(tmp_path: Path) -> None:
    pytest.importorskip("nixio", reason="NIX files need nixio")
    segment = neo.Segment(name="part 0")
    segment.spiketrains.append(
        neo.SpikeTrain([1500.0, 2500.0], units="ms", t_start=1000, t_stop=4000, name="cell 0")
    )
    block = neo.Block()
    block.segments.append(segment)
    writer = neo.io.NixIO(str(tmp_path / "mine.nix"), "ow")
    writer.write_block(block)
    writer.close()
    read = NeoAdapter().read(tmp_path / "mine.nix").segments[0]
    assert read.name == "part 0"
    assert read.spiketrains[0].rescale("s").magnitude.tolist() == [1.5, 2.5]
    limits = (read.spiketrains[0].t_start, read.spiketrains[0].t_stop)
    assert [float(limit.rescale("s")) for limit in limits] == [1.0, 4.0]
    assert read.spiketrains[0].annotations["node_id"] == "cell 0"

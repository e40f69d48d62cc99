"""Small recordings, and the inspector, for the tests of the adapters."""

import datetime
import hashlib
from collections.abc import Callable
from pathlib import Path

import neo
import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.adapters.nwb import NwbAdapter
from tavrnn_ephys.io.blocks import block_from_arrays
from tests.adapters.inspection import inspected

METADATA = {
    "experiment_description": "A recording for tests.",
    "experimenter": "Doe, Jane",
    "institution": "University",
    "keywords": ["culture", "test"],
    "lab": "Laboratory",
    "subject": {
        "subject_id": "culture-1",
        "species": "Rattus norvegicus",
        "sex": "U",
        "age": "P30D",
        "description": "Cultured cortical neurons.",
    },
}


def with_metadata(block: neo.Block) -> neo.Block:
    """Add what NWB and its inspector ask for."""
    block.rec_datetime = datetime.datetime(2024, 5, 6, 12, tzinfo=datetime.UTC)
    block.annotate(**METADATA)
    return block


@pytest.fixture
def unit_block() -> neo.Block:
    """Three channels with positions and groups, behaviour, and labelled intervals."""
    block = block_from_arrays(
        spike_times=[[0.1, 0.25, 3.7], [], [0.5, 1.125, 1.5, 4.75]],
        t_stop=5 * pq.s,
        node_ids=["ch-a", "ch-b", "ch-c"],
        node_kind="channel",
        positions=np.array([[0.0, 17.5], [35.0, 0.0], [52.5, 70.0]]) * pq.um,
        groups=["sensory", "", "motor/up"],
        behavior={
            "performance": np.linspace(0, 2, 50),
            "position": np.column_stack([np.linspace(0, 1, 50), np.zeros(50)]) * pq.cm,
        },
        behavior_rate=10 * pq.Hz,
    )
    segment = block.segments[0]
    for train in segment.spiketrains:
        train.sampling_rate = 20 * pq.kHz
    segment.epochs.append(
        neo.Epoch(
            times=[0.0, 2.0] * pq.s,
            durations=[2.0, 3.0] * pq.s,
            labels=np.array(["rest", "game"]),
            name="state",
            array_annotations={"level": np.array([3, 7]), "won": np.array([0.0, 1.0])},
        )
    )
    return with_metadata(block)


@pytest.fixture
def roi_block() -> neo.Block:
    """Four ROIs with positions and groups."""
    traces = np.random.default_rng(0).random((4, 60), dtype=np.float32)
    return with_metadata(
        block_from_arrays(
            traces=traces,
            sampling_rate=10 * pq.Hz,
            node_ids=["r7", "r8", "r9", "r10"],
            positions=np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0.4], [0.2, 0.9]]) * pq.mm,
            groups=["CA1", "CA1", "CA3", "CA3"],
        )
    )


@pytest.fixture(scope="session")
def source_nwb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read-only NWB file of four units."""
    rng = np.random.default_rng(1)
    block = block_from_arrays(counts=rng.integers(0, 3, (4, 100)), bin_size=20 * pq.ms)
    path = tmp_path_factory.mktemp("source") / "culture.nwb"
    return NwbAdapter().write_block(with_metadata(block), path)


@pytest.fixture(scope="session")
def inspect() -> Callable[..., list[str]]:
    """Messages of nwbinspector about a file, of the given importance or all."""

    def messages(path: Path, *importances: str) -> list[str]:
        return [
            f"{item.importance.name} {item.check_function_name} {item.object_name}: {item.message}"
            for item in inspected(path)
            if not importances or item.importance.name in importances
        ]

    return messages


@pytest.fixture(scope="session")
def sha256() -> Callable[[Path], str]:
    """Fingerprint of a file."""
    return lambda path: hashlib.sha256(path.read_bytes()).hexdigest()

"""NWB files of the kinds that people have, written by PyNWB as the producing programs do."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pynwb
from pynwb.ophys import DfOverF, Fluorescence, ImageSegmentation, OpticalChannel, RoiResponseSeries


def new_nwb() -> pynwb.NWBFile:
    """A file without content."""
    return pynwb.NWBFile(
        session_description="A session.",
        identifier="session",
        session_start_time=datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.UTC),
    )


def save(nwbfile: pynwb.NWBFile, path: Path) -> Path:
    """Write a file."""
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(nwbfile)
    return path


def trains(n_units: int = 4, start_s: float = 0.0, n_spikes: int = 50) -> list[np.ndarray]:
    """Irregular spike times of 60 s."""
    rng = np.random.default_rng(0)
    return [np.sort(rng.uniform(start_s, start_s + 60, n_spikes)) for _ in range(n_units)]


def with_units(n_units: int = 4, start_s: float = 0.0, **columns: Sequence[Any]) -> pynwb.NWBFile:
    """A file with a table of units and further columns."""
    nwbfile = new_nwb()
    for name in columns:
        nwbfile.add_unit_column(name, f"{name} of the unit")
    for index, times in enumerate(trains(n_units, start_s)):
        nwbfile.add_unit(
            spike_times=times, **{name: values[index] for name, values in columns.items()}
        )
    return nwbfile


def plane(nwbfile: pynwb.NWBFile, name: str = "ImagingPlane") -> Any:
    """An imaging plane, with its microscope."""
    device = nwbfile.devices.get("Microscope") or nwbfile.create_device("Microscope")
    channel = OpticalChannel(name="OpticalChannel", description="green", emission_lambda=510.0)
    return nwbfile.create_imaging_plane(
        name=name, optical_channel=channel, imaging_rate=10.0, description="plane",
        device=device, excitation_lambda=920.0, indicator="GCaMP6f", location="V1",
    )  # fmt: skip


def rois(nwbfile: pynwb.NWBFile, n_rois: int, name: str = "PlaneSegmentation") -> Any:
    """A table of ROIs in a segmentation of its own."""
    segmentation = ImageSegmentation(name=f"Segmentation of {name}")
    table = segmentation.create_plane_segmentation("rois", plane(nwbfile, f"of {name}"), name=name)
    for index in range(n_rois):
        table.add_roi(pixel_mask=[[index, index, 1.0]])
    if "ophys" not in nwbfile.processing:
        nwbfile.create_processing_module("ophys", "optical physiology")
    nwbfile.processing["ophys"].add(segmentation)
    return table


def response(table: Any, name: str, data: Any, rows: Sequence[int], **about: Any) -> Any:
    """A series of ROI traces."""
    region = table.create_roi_table_region("rois", region=list(rows))
    return RoiResponseSeries(
        name=name, data=data, rois=region, unit="n.a.", **({"rate": 10.0} | about)
    )


def traces(n_rois: int, seed: int = 0, n_samples: int = 40) -> np.ndarray:
    """Random traces in single precision."""
    return np.random.default_rng(seed).normal(size=(n_samples, n_rois)).astype(np.float32)


def suite2p_nwb(n_planes: int = 1) -> pynwb.NWBFile:
    """What suite2p's ``save_nwb`` writes: containers say the kind, series the plane."""
    nwbfile = new_nwb()
    counts = [3, 2][:n_planes]
    table = rois(nwbfile, sum(counts))
    is_cell = np.c_[(np.arange(sum(counts)) != 1).astype(float), np.full(sum(counts), 0.5)]
    table.add_column("iscell", "two columns - iscell & probcell", is_cell)
    starts = np.r_[0, np.cumsum(counts)]
    for name, offset in (("Fluorescence", 100.0), ("Neuropil", 10.0), ("Deconvolved", 0.0)):
        container = Fluorescence(name=name)
        nwbfile.processing["ophys"].add(container)
        for index, count in enumerate(counts):
            rows = range(starts[index], starts[index] + count)
            data = traces(count, index) + np.float32(offset)
            container.add_roi_response_series(response(table, f"plane{index}", data, rows))
    return nwbfile


def two_planes() -> pynwb.NWBFile:
    """ΔF/F of two planes, each with a table of ROIs of its own."""
    nwbfile = new_nwb()
    container = DfOverF()
    tables = [rois(nwbfile, count, f"Plane{index}") for index, count in enumerate((3, 2))]
    nwbfile.processing["ophys"].add(container)
    for index, table in enumerate(tables):
        n_rois = len(table.id)
        container.add_roi_response_series(
            response(table, f"DfOverF{index}", traces(n_rois, index), range(n_rois))
        )
    return nwbfile


def one_plane(data: Any, **about: Any) -> pynwb.NWBFile:
    """Fluorescence of one plane."""
    nwbfile = new_nwb()
    table = rois(nwbfile, data.shape[1])
    container = Fluorescence()
    nwbfile.processing["ophys"].add(container)
    container.add_roi_response_series(
        response(table, "RoiResponseSeries", data, range(data.shape[1]), **about)
    )
    return nwbfile

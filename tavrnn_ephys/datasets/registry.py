"""The data sets that are known by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.frozen import FrozenMapping

__all__ = ["DATASETS", "Dataset", "DatasetFile", "cite", "dataset"]


@dataclass(frozen=True, kw_only=True)
class DatasetFile:
    """
    A file of a data set.

    Parameters
    ----------
    name : str
        Its name in the cache, and in the folder of local copies.
    url : str
        Where it is downloaded from; for DANDI the path of the asset in its dandiset.
    sha256 : str
        Checksum in hexadecimal; empty where the archive states it when the file is asked for.
    """

    name: str
    url: str
    sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """
    A data set: its files, its licence, and whom to cite.

    Parameters
    ----------
    name : str
        Name.
    title : str
        What it holds.
    files : tuple of DatasetFile
        Its files; the first is the one to read, the others lie beside it.
    folder : str
        Folder of local copies, below the one that ``TAVRNN_EPHYS_DATA`` names.
    licence : str
        What its publisher says.
    citation : str
        What to cite.
    page : str
        Where it is described.
    dandi : str
        Dandiset and version, as ``"000127/0.220113.0359"``; empty for other places.
    reading : tuple of str
        Options for the adapter that reads it, as ``"name=value"``.
    stand_in : {"culture", "track", "calcium", "wells"}
        What is simulated in its place.
    """

    name: str
    title: str
    files: tuple[DatasetFile, ...]
    folder: str
    licence: str
    citation: str
    page: str
    dandi: str = ""
    reading: tuple[str, ...] = ()
    stand_in: str = "culture"


def _github(repository: str, commit: str) -> str:
    return f"https://raw.githubusercontent.com/{repository}/{commit}/"


_CAGRAPH = _github("vporubsky/CaGraph", "af7251a06ffe06640833d1fa42f41faf48fbf5b4")
_HIPSC = _github("ellesec/burstanalysis", "80680289f43f82ec272ac110d89d09466b2e943a")
_MEARTOOLS = _github("igm-team/meaRtools", "0b04c9c8421a8bc23fbe15da59f8b9a092e6a139")
_NELPY = _github("nelpy/example-data", "099548c0608ffaa92933c66346c0d96f05a18622")
_PROBES = _github("SpikeInterface/probeinterface", "709250857a1439cd4cf1072ec603e38cb105c794")
_PYNAPPLE = _github("pynapple-org/pynapple", "7ac20f7a5232785e926c0bd8745093281e1f65fb")
_HC11 = _github("akshey-kumar/comparison-algorithms", "e1cbf6dc8d5d81df973ce17062b3678ab4d90e39")
_PINKYSBRAIN = _github("MichaelLod/pinkysbrain", "645ae77ee8cbe765b9560ed1db8e9d5beb24ef11")
_DISHBRAIN = _github("TAVRNN/TAVRNN_Repo_Paper", "e0f365aa60dacabbc5fc2d22ecab9e46080c6823")

_DANDI_LICENCE = "open (CC0-1.0 or CC-BY-4.0, the two that DANDI takes; see the page)"

_ALL = (
    Dataset(
        name="rat-hippocampus-hc11",
        title="CA1 of the rat Achilles on a linear track: spike counts of 120 units in 25 ms bins",
        files=(
            DatasetFile(
                name="achilles.npz",
                url=f"{_HC11}data/raw/rat_hippocampus/achilles.npz",
                sha256="4c4dfd78453dadd0bd70270491d0d2882cf31d3368c4c0bf0912806cfccc56b9",
            ),
        ),
        folder="rat-hippocampus-hc11",
        licence="none stated beside the arrays; CRCNS hc-11 asks for citation",
        citation="Grosmark & Buzsaki (2016), Science 351, 1440-1443, data doi:10.6080/K0862DC5; "
        "arrays as published with Schneider, Lee & Mathis (2023), Nature 617, 360-368 (CEBRA).",
        page="https://crcns.org/data-sets/hc/hc-11",
        stand_in="track",
    ),
    Dataset(
        name="rat-linear-track",
        title="Hippocampus of a rat on a linear track: 31 sorted units, run and rest, position",
        files=(
            DatasetFile(
                name="spikes.mat",
                url=f"{_NELPY}linear-track/spikes.mat",
                sha256="615b05a9228a5eaea7f99d5fc5b11848a4d94fc154104612410c887875b65bc7",
            ),
            DatasetFile(
                name="trajectory.videoPositionTracking",
                url=f"{_NELPY}linear-track/trajectory.videoPositionTracking",
                sha256="10a883302c50e26d5f659ac4ee08d8901f7881c71f6800cd56d999a620b31cb5",
            ),
        ),
        folder="rat-linear-track",
        licence="MIT",
        citation="Ackermann et al., nelpy example data, github.com/nelpy/example-data.",
        page="https://github.com/nelpy/example-data",
        stand_in="track",
    ),
    Dataset(
        name="mouse-dg-calcium",
        title="Dentate gyrus of a mouse, miniscope, day 1 of fear conditioning: 43 cells at 10 Hz",
        files=(
            DatasetFile(
                name="LC-DG-FC_2-1_D1_smoothed_calcium_traces.csv",
                url=f"{_CAGRAPH}LC-DG-FC-data/2-1_D1_smoothed_calcium_traces.csv",
                sha256="9d41ca774c92a1fd216dbe5c719f45af20d4b36d22316e6a6cc1e8e664ed3bff",
            ),
            DatasetFile(
                name="LC-DG-FC_2-1_Day1_eventTrace.csv",
                url=f"{_CAGRAPH}LC-DG-FC-data/2-1_Day1_eventTrace.csv",
                sha256="e39c9faca4243eeafd5e962cddfb047a239a233fb9b49e74b2ea93843381a3b8",
            ),
        ),
        folder="mouse-dg-calcium",
        licence="MIT",
        citation="Porubsky et al., CaGraph, github.com/vporubsky/CaGraph.",
        page="https://github.com/vporubsky/CaGraph",
        stand_in="calcium",
    ),
    Dataset(
        name="hipsc-mea",
        title="A culture of human stem-cell-derived neurons on a 64 x 64 array, day 59: 21 units",
        files=(
            DatasetFile(
                name="hiPSN_tc65_d59_spikes6sd.h5",
                url=f"{_HIPSC}hiPSC_recordings/hiPSN_tc65_d59_spikes6sd.h5",
                sha256="3ff0fa2c39c159aaca2ee6d4ac74d9b5f2a233c7e26e4ffe44e14bd3ed839ce2",
            ),
        ),
        folder="hipsc-mea",
        licence="free to use; citation requested",
        citation="Cotterill et al. (2016), Journal of Neurophysiology 116, 306-321.",
        page="https://github.com/ellesec/burstanalysis",
    ),
    Dataset(
        name="axion-plate",
        title="Cortical cultures on a 48-well Axion plate, day 3: 269 electrodes, 58 s, treatments",
        files=(
            DatasetFile(
                name="exampleRecording_1012016_plate1_DIV3_spike_list.csv.gz",
                url=f"{_MEARTOOLS}meaRtools/inst/extdata/"
                "exampleRecording_1012016_plate1_DIV3_spike_list.csv.gz",
                sha256="6d0362b94ad1ffce1dad3b05f8a7f1314cb55181979f9514b8db0284911c2960",
            ),
            DatasetFile(
                name="exampleRecording_1012016_plate1_expLog.csv.gz",
                url=f"{_MEARTOOLS}meaRtools/inst/extdata/"
                "exampleRecording_1012016_plate1_expLog.csv.gz",
                sha256="fb7a04b7fb89e0c4a43124fded29499b3d8095cca1528477bb4f2954de622bc6",
            ),
        ),
        folder="axion-spikelist",
        # Its publishers cut the list after 58 s; its settings still state 18 minutes.
        reading=("t_stop=58s",),
        licence="GPL-3.0-or-later",
        citation="Gelfman et al. (2018), PLoS Computational Biology 14, e1006506 (meaRtools).",
        page="https://github.com/igm-team/meaRtools",
        stand_in="wells",
    ),
    Dataset(
        name="maxwell-maxtwo",
        title="A MaxTwo activity scan: six wells of 16 channels, two recordings of about 1 s",
        files=(
            DatasetFile(
                name="maxtwo_activity_scan.raw.h5",
                url=f"{_PROBES}tests/data/maxwell/data.raw.h5",
                sha256="850f54e6b94a4dfd8531e6cba493921262abfb3c10debcd369ca42dacb80aded",
            ),
        ),
        folder="formats/maxwell",
        licence="MIT",
        citation="Buccino, A. (2021), test data of Neo and probeinterface.",
        page="https://github.com/SpikeInterface/probeinterface",
        stand_in="wells",
    ),
    Dataset(
        name="biocam-voltage",
        title="Raw voltage of a 3Brain BioCAM: 36 channels, 1 s at 19754 Hz",
        files=(
            DatasetFile(
                name="biocam_hw3.0_fw1.6.brw",
                url=f"{_PROBES}tests/data/3brain/biocam_hw3.0_fw1.6.brw",
                sha256="69a903ca5561865660ff054acf6c485f7829301df11bcc95738097418ef7d667",
            ),
        ),
        folder="formats/3brain",
        licence="MIT",
        citation="Wolff, R. & Tucci, V. (IIT Genoa), test data of probeinterface.",
        page="https://github.com/SpikeInterface/probeinterface",
        stand_in="culture",
    ),
    Dataset(
        name="suite2p-plane",
        title="What suite2p leaves of one plane: 219 regions of interest, 2000 frames",
        files=tuple(
            DatasetFile(
                name=f"{name}.npy",
                url=f"{_PYNAPPLE}tests/nwbfilestest/suite2p/suite2p/plane0/{name}.npy",
                sha256=checksum,
            )
            for name, checksum in (
                ("F", "98b6facdb1cb24138f0677eb62c090d0c9252ba2c3c0bf3f6f51c2debfcd9625"),
                ("Fneu", "374981b9fbc1ef0cbba0ccfb91bc53a7ecfe4bff64cf5c9d0381bce32fa3a06e"),
                ("spks", "d300e5974c9a46516a8a40d36eaa8a663e55376e69edcc560d6642a2e03f7f84"),
                ("iscell", "cc109d5fffd172d3d9f39fdc077bf50df744eecc63223438e1f5caf41d780faf"),
            )
        ),
        folder="formats/suite2p/plane0",
        licence="MIT",
        citation="Viejo et al. (2023), eLife 12, RP85786 (pynapple).",
        page="https://github.com/pynapple-org/pynapple",
        reading=("sampling_rate=30Hz",),
        stand_in="calcium",
    ),
    Dataset(
        name="cl1-monolayer",
        title="Human neurons on a CL1, spontaneous: 64 channels, 300 s, 95950 spikes",
        files=(
            DatasetFile(
                name="monolayer_1.json",
                url=f"{_PINKYSBRAIN}web/public/recordings/monolayer_1.json",
                sha256="ac1be871abbaee25df05ef98cdcb9664fdec40cdf4ce716055e7a8e9fa617bb8",
            ),
        ),
        folder="cl1-spikes",
        licence="MIT",
        citation="Lod, M. (2026), pinkysbrain, with recordings of Cortical Labs.",
        page="https://github.com/MichaelLod/pinkysbrain",
        reading=(
            "time_column=0",
            "node_column=1",
            "time_unit=frames",
            "grid=8x8",
            "grid_order=columns",
            "electrode_pitch=200um",
        ),
    ),
    Dataset(
        name="dishbrain-layout",
        title="Where the 900 recorded channels of the DishBrain chip lie (no spikes)",
        files=(
            DatasetFile(
                name="channel_locs.csv",
                url=f"{_DISHBRAIN}channel_locs.csv",
                sha256="96e8e71ea2b6c09c62bb12f5e1d426ce9731d41bb271c132585a02080aab69da",
            ),
        ),
        folder="dishbrain-layout",
        licence="MIT",
        citation="Khajehnejad et al. (2025), arXiv:2410.00665; Kagan et al. (2022), Neuron 110, "
        "3952-3969.",
        page="https://github.com/TAVRNN/TAVRNN_Repo_Paper",
    ),
    Dataset(
        name="monkey-area2-reaching",
        title="Somatosensory area 2 of a macaque that reaches and is bumped: 65 units, NWB",
        files=(
            DatasetFile(
                name="sub-Han_desc-train_behavior+ecephys.nwb",
                url="sub-Han/sub-Han_desc-train_behavior+ecephys.nwb",
            ),
        ),
        folder="dandi-000127",
        licence=_DANDI_LICENCE,
        citation="Chowdhury, R. & Miller, L. (2022), Area2_Bump, version 0.220113.0359, DANDI "
        "Archive; Chowdhury, Glaser & Miller (2020), eLife 9, e48198.",
        page="https://dandiarchive.org/dandiset/000127/0.220113.0359",
        dandi="000127/0.220113.0359",
    ),
    Dataset(
        name="mouse-ca1-calcium-nwb",
        title="CA1 of a mouse in virtual reality, two-photon imaging, fluorescence and events, NWB",
        files=(
            DatasetFile(
                name="sub-m11_ses-03_behavior+ophys.nwb",
                url="sub-m11/sub-m11_ses-03_behavior+ophys.nwb",
            ),
        ),
        folder="dandi-001361",
        licence=_DANDI_LICENCE,
        citation="Sosa, M., Plitt, M. H. & Giocomo, L. M. (2025), A flexible hippocampal "
        "population code for experience relative to reward, version 0.250406.0045, DANDI "
        "Archive, doi:10.48324/dandi.001361/0.250406.0045.",
        page="https://dandiarchive.org/dandiset/001361/0.250406.0045",
        dandi="001361/0.250406.0045",
        stand_in="calcium",
    ),
)
DATASETS: Mapping[str, Dataset] = FrozenMapping({item.name: item for item in _ALL})


def dataset(name: str) -> Dataset:
    """
    Look up a data set.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    Dataset
        What is known of it.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if name not in DATASETS:
        raise InputError(f"There is no data set {name!r}. Choose one of: {', '.join(DATASETS)}.")
    return DATASETS[name]


def cite(name: str) -> str:
    """
    Say what to cite for a data set, and under which licence it stands.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    str
        Citation, licence and page.

    Raises
    ------
    InputError
        If there is none of this name.

    Examples
    --------
    >>> print(cite("hipsc-mea"))
    Cotterill et al. (2016), Journal of Neurophysiology 116, 306-321.
    Licence: free to use; citation requested. https://github.com/ellesec/burstanalysis
    """
    found = dataset(name)
    return f"{found.citation}\nLicence: {found.licence}. {found.page}"

"""A trained model in one file of plain NumPy arrays and JSON."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tavrnn_ephys.core.archives import read_archive, write_archive
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.core.graph_units import GraphUnits
from tavrnn_ephys.core.names import FORMER_PROFILES
from tavrnn_ephys.core.provenance import package_versions
from tavrnn_ephys.methods.tavrnn.factors.network import FactorNetwork
from tavrnn_ephys.methods.tavrnn.nn.model import Network
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tavrnn_ephys.methods.tavrnn.nn.spectral import SpectralBasis
from tavrnn_ephys.methods.tavrnn.sessions import Session
from tavrnn_ephys.methods.tavrnn.training import TrainingOptions

__all__ = ["read_model", "write_model"]

_KIND = "tavrnn_ephys.TAVRNN"
_VERSION = 1


def write_model(
    path: str | Path,
    *,
    parameters: Mapping[str, Any],
    sessions: Mapping[str, Session],
    training_options: TrainingOptions,
    history: list[dict[str, float]],
    overwrite: bool,
) -> None:
    """
    Write a trained model.

    Parameters
    ----------
    path : str or pathlib.Path
        The file, usually ``.npz``.
    parameters : mapping of str to object
        Parameters of the estimator.
    sessions : mapping of str to Session
        What the fit learnt.
    training_options : TrainingOptions
        How it was trained.
    history : list of dict of str to float
        Terms of the loss.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    OutputError
        If the file exists or cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {}
    described, written = [], set()
    for index, (name, session) in enumerate(sessions.items()):
        prefix = f"session/{index}/"
        arrays[f"{prefix}node_ids"] = session.node_ids
        if session.basis is not None:
            arrays[f"{prefix}mean"] = session.basis.mean
            arrays[f"{prefix}directions"] = session.basis.directions
        for key, value in _tensors(session.network).items():
            if id(value) not in written:  # Shared weights stand with the first session.
                arrays[f"{prefix}weight/{key}"] = value.detach().cpu().numpy()
                written.add(id(value))
        described.append(_described(name, session))
    first = next(iter(sessions.values()))
    about = {
        "parameters": dict(parameters),
        "network_options": asdict(first.network.options),
        "training_options": asdict(training_options),
        "history": history,
        "sessions": described,
        "versions": package_versions(),
    }
    write_archive(
        path, kind=_KIND, version=_VERSION, arrays=arrays, about=about, overwrite=overwrite
    )


def read_model(path: str | Path) -> dict[str, Any]:
    """
    Read what :func:`write_model` wrote.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    dict of str to object
        ``"parameters"``, ``"sessions"``, ``"training_options"`` and ``"history"``.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, newer, or holds something else.
    """
    about, arrays = read_archive(path, kind=_KIND, version=_VERSION, noun="trained model")
    try:
        options = NetworkOptions(**about["network_options"])
        sessions: dict[str, Session] = {}
        for index, described in enumerate(about["sessions"]):
            donor = next(iter(sessions.values())).network if sessions else None
            part = _part(arrays, f"session/{index}/")
            sessions[described["name"]] = _session(described, part, options, donor)
        return {
            "parameters": _parameters_of(about["parameters"]),
            "sessions": sessions,
            "training_options": TrainingOptions(**about["training_options"]),
            "history": about["history"],
        }
    except (KeyError, TypeError, RuntimeError, InputError) as error:
        raise FileFormatError(
            f"'{path}' lacks a part of the trained model, or has one too many: {error}. Fit and "
            "save it again."
        ) from None


def _parameters_of(written: Mapping[str, Any]) -> dict[str, Any]:
    """Name the profile of a model as it is called today."""
    profile = written.get("profile", "recurrent")
    return {**written, "profile": FORMER_PROFILES.get(profile, profile)}


def _tensors(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): value
        for name, value in arrays.items()
        if name.startswith(prefix)
    }


def _described(name: str, session: Session) -> dict[str, Any]:
    network = session.network
    about = {
        "name": name,
        "history_node": session.history_node,
        "n_features": session.n_features,
        "units": session.units.to_facts(),
    }
    if session.basis is None:
        return {**about, "n_nodes": network.n_nodes, "n_windows": len(network.seen)}
    return {
        **about,
        "n_network_features": network.project_features.in_features,
        "n_vertices": network.n_vertices,
        "n_targets": network.n_targets,
        "scale": session.basis.scale,
        "variance": session.basis.variance,
    }


def _session(
    described: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    options: NetworkOptions,
    donor: Network | None,
) -> Session:
    if options.has_factors:
        return _factor_session(described, arrays, options)
    n_targets = described["n_targets"]
    with torch.random.fork_rng(devices=[]):
        network = Network(
            options,
            n_vertices=described["n_vertices"],
            n_features=described["n_network_features"],
            n_targets=n_targets,
            offset=torch.zeros(n_targets, n_targets),
            basis=torch.zeros(n_targets, options.latent_size),
        )
    if donor is not None:
        network.share_with(donor)
    own = _part(arrays, "weight/")
    shared = set() if donor is None else {id(item) for item in donor.parameters()}
    with torch.no_grad():
        for name, tensor in _tensors(network).items():
            if id(tensor) not in shared:
                tensor.copy_(torch.from_numpy(own[name]))
    network.eval()
    return Session(
        node_ids=arrays["node_ids"],
        history_node=described["history_node"],
        n_features=described["n_features"],
        basis=SpectralBasis(
            np.asarray(arrays["mean"]),
            np.asarray(arrays["directions"]),
            scale=described["scale"],
            variance=described["variance"],
        ),
        network=network,
        # Models of earlier versions say nothing of their units.
        units=GraphUnits.from_facts(described.get("units", {})),
    )


def _factor_session(
    described: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], options: NetworkOptions
) -> Session:
    own = _part(arrays, "weight/")
    n_seen = described["n_windows"]
    if "seen_evidence" not in own:
        warnings.warn(
            "This model is of an earlier version: the windows of its fit are embedded like later "
            "ones, though they have shaped its factors. Fit it again before a decoder is trained "
            "on them.",
            DataLossWarning,
            stacklevel=6,
        )
        n_seen = 0
        own["seen"] = np.zeros((0, 2), dtype=np.int64)
        own["seen_evidence"] = np.zeros((0, described["n_nodes"], options.latent_size))
    network = FactorNetwork(options, n_nodes=described["n_nodes"], n_seen=n_seen)
    # Models of earlier versions have no factor that is not told from noise.
    own.setdefault("told", network.told.numpy())
    # Before, a factor that was told counted whole in expected graphs, and no other at all.
    own.setdefault("reliability", own["told"].astype(np.float64))
    # Nor were there kinds of windows that return.
    for name, tensor in _tensors(network).items():
        if name.startswith("kinds."):
            own.setdefault(name, tensor.numpy())
        tensor.copy_(torch.from_numpy(own[name]))
    return Session(
        node_ids=arrays["node_ids"],
        history_node=described["history_node"],
        n_features=described["n_features"],
        basis=None,
        network=network,
        units=GraphUnits.from_facts(described.get("units", {})),
    )

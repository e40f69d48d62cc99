"""Options of connectivity, graphs and model: those of the specifications."""

from __future__ import annotations

import argparse
from typing import Any

from tavrnn_ephys.cli.options import Gather, Switch, duration, number, path, suggest, whole_number
from tavrnn_ephys.cli.questions import measure_options
from tavrnn_ephys.core.names import (
    FEATURES,
    PROFILES,
    SILENT_RULES,
    SMOOTHINGS,
    SURROGATES,
    TAPERS,
)
from tavrnn_ephys.core.spec import GraphSpec, ModelSpec

__all__ = ["MODELLING", "add_graphs", "add_model", "modelling_choices"]

#: Options that most analyses are asked for without.
MODELLING = (
    "min_spikes_per_window", "taper", "silent_nodes", "density", "strongest", "false_discoveries",
    "surrogates", "n_surrogates", "surrogate_reach", "features", "history_node", "latent_size",
    "smoothing", "model_option",
)  # fmt: skip


def add_graphs(command: Any) -> None:
    """
    Add how bins and nodes count, and which weights are edges, to a command.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    """
    default = GraphSpec()
    command.add_argument(
        "--min-spikes-per-window",
        type=whole_number,
        metavar="N",
        help="nodes with fewer spikes in a window have no edge there; 0 for no such rule "
        "(default: 2)",
    )
    taper = command.add_argument(
        "--taper",
        metavar="NAME",
        help=f"bins count less towards the ends of a window: {', '.join(TAPERS)} (default: all "
        "bins count alike)",
    )
    suggest(taper, lambda: TAPERS)
    silent = command.add_argument(
        "--silent-nodes",
        default="zero",
        metavar="RULE",
        help=f"weights of nodes that do not vary in a window: {', '.join(SILENT_RULES)} "
        "(default: zero)",
    )
    suggest(silent, lambda: SILENT_RULES)
    _add_rules(command, default)
    _add_chance(command, default)
    features = command.add_argument(
        "--features",
        default=default.features,
        metavar="NAME",
        help=f"what stands for a node: {', '.join(FEATURES)} (default: {default.features})",
    )
    suggest(features, lambda: FEATURES)
    command.add_argument(
        "--history-node",
        action=Switch,
        default=default.history_node,
        help="one more vertex in each graph, joined to all (default: on)",
    )


def _add_rules(command: Any, default: GraphSpec) -> None:
    command.add_argument(
        "--threshold",
        type=number,
        default=default.threshold,
        metavar="R",
        help="smallest absolute connectivity that makes an edge, no unit (default: 0, keep all)",
    )
    command.add_argument(
        "--density",
        type=number,
        metavar="SHARE",
        help="in place of --threshold: share of all pairs that are edges in every window, such as "
        "0.1",
    )
    command.add_argument(
        "--strongest",
        type=whole_number,
        metavar="N",
        help="in place of --threshold: edges are the N strongest weights of each node",
    )
    command.add_argument(
        "--false-discoveries",
        type=number,
        metavar="Q",
        help="in place of --threshold: edges are the weights beyond chance, of which at most this "
        "share is false, such as 0.05",
    )


def _add_chance(command: Any, default: GraphSpec) -> None:
    surrogates = command.add_argument(
        "--surrogates",
        default=default.surrogates,
        metavar="NAME",
        help=f"what chance is for --false-discoveries: {', '.join(SURROGATES)} (default: "
        f"{default.surrogates})",
    )
    suggest(surrogates, lambda: SURROGATES)
    command.add_argument(
        "--n-surrogates",
        type=whole_number,
        default=default.n_surrogates,
        metavar="N",
        help=f"how many surrogate recordings (default: {default.n_surrogates})",
    )
    command.add_argument(
        "--surrogate-reach",
        type=duration,
        metavar="TIME",
        help="how far they move spikes, or the least shift (default: 5 bins, and a twentieth of "
        "the recording)",
    )


def add_model(command: Any) -> None:
    """
    Add the model to a command.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    """
    default = ModelSpec()
    profile = command.add_argument(
        "--profile",
        default=default.profile,
        metavar="NAME",
        help="state_space, the model that this project stands behind; recurrent, the corrected "
        "graph recurrent network; or paper, the published network to the letter (its graphs want "
        "--threshold 0.6)",
    )
    suggest(profile, lambda: PROFILES)
    command.add_argument(
        "--latent-size",
        type=whole_number,
        metavar="N",
        help="width of the latent variable of a node (default: 8)",
    )
    smoothing = command.add_argument(
        "--smoothing",
        metavar="NAME",
        help=f"how embeddings are smoothed over windows: {', '.join(SMOOTHINGS)} (default: the "
        "profile's)",
    )
    suggest(smoothing, lambda: SMOOTHINGS)
    command.add_argument(
        "--model-option",
        action=Gather,
        default=[],
        metavar="NAME=VALUE",
        help="further option of the model, such as embedding=mean; can be given several times",
    )
    command.add_argument(
        "--training-epochs",
        type=whole_number,
        metavar="N",
        help="passes over the windows (default: the profile's)",
    )
    command.add_argument(
        "--seed",
        type=whole_number,
        default=default.seed,
        metavar="N",
        help=f"seed of the model (default: {default.seed})",
    )
    command.add_argument(
        "--save-model",
        type=path,
        metavar="FILE.npz",
        help="file for the fitted model, which 'stream' takes",
    )


def modelling_choices(options: argparse.Namespace) -> dict[str, Any]:
    """
    Read connectivity, graphs and model.

    Parameters
    ----------
    options : argparse.Namespace
        The options of a command.

    Returns
    -------
    dict of str to object
        As :class:`tavrnn_ephys.AnalysisConfig` names them.
    """
    from tavrnn_ephys.core.adapter_options import parse_options

    least = options.min_spikes_per_window
    return {
        "measure": options.measure,
        "measure_options": measure_options(options),
        "silent_nodes": options.silent_nodes,
        "taper": options.taper,
        **({} if least is None else {"min_spikes": least}),
        "threshold": options.threshold,
        "density": options.density,
        "n_strongest": options.strongest,
        "false_discoveries": options.false_discoveries,
        "surrogates": options.surrogates,
        "n_surrogates": options.n_surrogates,
        "surrogate_reach_s": options.surrogate_reach,
        "features": options.features,
        "history_node": options.history_node,
        "profile": options.profile,
        "training_epochs": options.training_epochs,
        "seed": options.seed,
        "latent_size": options.latent_size,
        "smoothing": options.smoothing,
        "model_options": parse_options(options.model_option, example="embedding=mean"),
    }

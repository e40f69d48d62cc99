"""Which methods there are, by name; those of other packages come by entry point."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import ORACLE_METHODS

__all__ = ["ENTRY_POINT_GROUP", "MethodEntry", "choose_methods", "list_methods"]

ENTRY_POINT_GROUP = "tavrnn_ephys.methods"

_HERE = "tavrnn_ephys.methods."
# Dense layers of the auto-encoders: their papers' 500 and 300 were chosen for graphs of
# thousands of nodes.
_SMALL = {"hidden_sizes": (128, 64)}
_PAPER = {"profile": "paper", "density": 0.2, "options": {"sequence_length": 6}}


def _ablated(**options: Any) -> dict[str, Any]:
    return {"options": options}


_OWN: dict[str, tuple[str, dict[str, Any], str]] = {
    "rates": ("rates:Rates", {}, "mean activity, no graph"),
    "degree": ("degree:Degree", {}, "sum of absolute weights per node"),
    "uase_abs": ("uase:UASE", {"signed": False}, "spectral, on |r|"),
    "uase_abs_ema": ("uase:UASE", {"signed": False, "smoothing": 0.6}, "spectral, on |r|, EMA"),
    "uase": ("uase:UASE", {}, "spectral, on signed r"),
    "uase_ema": ("uase:UASE", {"smoothing": 0.6}, "spectral, on signed r, EMA"),
    "uase_joined": (
        "uase:UASE",
        {"smoothing": 0.6, "joined": True},
        "spectral, on signed r, beside its EMA",
    ),
    "pca_edges": ("pca_edges:EdgePCA", {}, "principal components of signed edges"),
    "uase_gated": ("gated:GatedUASE", {}, "spectral, on gated edges, beside its EMA"),
    "contributions_gated": (
        "gated:GatedContributions",
        {},
        "nodes' shares of components of gated edges, beside their EMA",
    ),
    "contributions_shrunk": (
        "gated:GatedContributions",
        {"gate": "shrunk"},
        "the same, the gate shrunk: many coupled pairs",
    ),
    "tangent_space": ("tangent:TangentSpace", {}, "components in the tangent space"),
    "hmm": ("hidden_markov:HiddenMarkov", {}, "hidden Markov model on components of edges"),
    "hmm_glm": (
        "hmm_glm:OneHotHMMGLM",
        {},
        "switching GLM with one-hot types, on counts",
    ),
    "bilinear": ("bilinear:BilinearLogistic", {}, "low-rank bilinear read-out, label"),
    "vgae": ("vgae:VGAE", {}, "static variational graph auto-encoder"),
    "vgrnn": ("vgrnn:VGRNN", {}, "variational graph RNN"),
    "dyngem": ("dyngem:DynGEM", _SMALL, "warm-started auto-encoder"),
    "dynae": ("dynae:DynAE", _SMALL, "auto-encoder of the past"),
    "dynae_signed": (
        "dynae:DynAE",
        {**_SMALL, "weights": "signed", "density": 1.0, "edge_weight": 1.0},
        "auto-encoder of the past, on signed r",
    ),
    "dynrnn": ("dynrnn:DynRNN", _SMALL, "LSTM of the past"),
    "dynaernn": ("dynaernn:DynAERNN", _SMALL, "dense layers and LSTM of the past"),
    "graphert": ("graphert:GraphERT", {}, "transformer over random walks"),
    "evolvegcn": ("evolvegcn:EvolveGCN", {}, "graph convolution with evolving weights"),
    "cebra_time": ("cebra:CebraTime", {}, "contrastive, time"),
    "cebra_behavior": ("cebra:CebraBehavior", {}, "contrastive, label"),
    "tavrnn": (
        "tavrnn_method:StateSpaceMethod",
        {},
        "TAVRNN, gated factors whose states decay",
    ),
    "tavrnn_labels": (
        "tavrnn_method:LabelledStateSpaceMethod",
        {},
        "the same, helped by labels",
    ),
    "tavrnn_recurrent": ("tavrnn_method:TavrnnMethod", {}, "TAVRNN, graph GRU and attention"),
    "tavrnn_paper": ("tavrnn_method:TavrnnMethod", _PAPER, "TAVRNN, the paper's profile"),
    "recurrent_window": (
        "tavrnn_method:TavrnnMethod",
        _ablated(embedding="mean"),
        "recurrent, read out of the window alone",
    ),
    "recurrent_no_attention": (
        "tavrnn_method:TavrnnMethod",
        _ablated(attention="none"),
        "recurrent without attention",
    ),
    "recurrent_no_recurrence": (
        "tavrnn_method:TavrnnMethod",
        _ablated(attention="none", recurrence="none"),
        "recurrent without recurrence and attention",
    ),
    "recurrent_binary": (
        "tavrnn_method:TavrnnMethod",
        {"density": 0.2, **_ablated(target="binary", propagation="binary")},
        "recurrent on binary edges",
    ),
    "recurrent_inner": (
        "tavrnn_method:TavrnnMethod",
        {"density": 0.2, **_ablated(target="binary", propagation="binary", decoder="inner")},
        "recurrent on binary edges, inner-product decoder",
    ),
}

# Ceilings of simulated tasks: they know the truth, and stand beside methods there alone.
ORACLES: dict[str, tuple[str, dict[str, Any], str]] = {
    name: ("oracle:Oracle", {"reading": reading}, f"knows the couplings, {reading}")
    for name in ORACLE_METHODS
    for reading in [name.removeprefix("oracle_")]
}


@dataclass(frozen=True, kw_only=True)
class MethodEntry:
    """
    A method by name, not yet built.

    Parameters
    ----------
    name : str
        Name, for tables and the command line.
    path : str
        ``"module:Class"``.
    options : mapping of str to object
        What the constructor is given beside budget and seed.
    summary : str
        A few words.
    """

    name: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""

    def build(self, **budget: Any) -> Any:
        """
        Build the unfitted method.

        Parameters
        ----------
        **budget : object
            ``seed``, ``latent_size`` and ``n_steps``; each goes to the constructor if that has
            a parameter of the name.

        Returns
        -------
        object
            Something with ``fit`` and ``transform``.

        Raises
        ------
        InputError
            If the method cannot be imported.

        Examples
        --------
        >>> list_methods()["uase"].build(seed=3, latent_size=4)
        UASE(latent_size=4)
        """
        module, _, name = self.path.partition(":")
        try:
            make = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise InputError(f"The method '{self.name}' cannot be loaded: {error}.") from error
        known = inspect.signature(make).parameters
        given = {key: value for key, value in budget.items() if key in known}
        return make(**{**self.options, **given})


def list_methods() -> dict[str, MethodEntry]:
    """
    List all methods, those of other packages last.

    Returns
    -------
    dict of str to MethodEntry
        By name.  Another package adds its own in the entry point group
        ``tavrnn_ephys.methods``; a name that is taken is left to its first owner.

    Examples
    --------
    >>> list_methods()["rates"].summary
    'mean activity, no graph'
    """
    methods = _entries(_OWN)
    for point in sorted(_foreign(), key=lambda point: point.name):
        entry = MethodEntry(name=point.name, path=point.value, summary=f"from {point.value}")
        methods.setdefault(point.name, entry)
    return methods


def _entries(table: Mapping[str, tuple[str, dict[str, Any], str]]) -> dict[str, MethodEntry]:
    return {
        name: MethodEntry(name=name, path=_HERE + path, options=options, summary=summary)
        for name, (path, options, summary) in table.items()
    }


def _foreign() -> list[EntryPoint]:
    return list(entry_points(group=ENTRY_POINT_GROUP))


def choose_methods(names: str, *, oracles: bool = False) -> dict[str, MethodEntry]:
    """
    Choose methods as the command line names them.

    Parameters
    ----------
    names : str
        ``"all"``, or names with commas between them; ``"oracle_window"``, ``"oracle_filtered"``
        and ``"oracle_smoothed"``, the ceilings of simulated tasks, can be named too.
    oracles : bool
        Whether these ceilings belong to ``"all"``.

    Returns
    -------
    dict of str to MethodEntry
        By name, ``rates`` always among them, for every score stands beside it.

    Raises
    ------
    InputError
        If a name is unknown.

    Examples
    --------
    >>> list(choose_methods("uase"))
    ['rates', 'uase']
    """
    known = list_methods()
    if names.strip() == "all":
        return known | _entries(ORACLES) if oracles else known
    known |= _entries(ORACLES)
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise InputError(
            f"There is no method {some(unknown) or 'in an empty list'}; there are "
            f"{', '.join(known)}, and all."
        )
    return {name: known[name] for name in known if name in {"rates", *wanted}}

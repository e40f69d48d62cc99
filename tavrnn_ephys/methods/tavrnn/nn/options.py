"""Every switch of the model, and the named sets of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tavrnn_ephys.core.checks import one_of, positive_int, positive_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import FORMER_PROFILES

__all__ = ["ABLATIONS", "PROFILES", "NetworkOptions", "options_for"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "node_features": ("spectral", "graph"),
    "propagation": ("signed", "binary"),
    "bias": ("everywhere", "recurrence"),
    "recurrence": ("trained", "untrained", "none", "state_space", "independent"),
    "attention": ("history", "node", "none"),
    "attention_memory": ("recurrent", "attended"),
    "attention_values": ("bounded", "linear"),
    "decoder": ("unfolded", "inner"),
    "target": ("signed", "binary"),
    "target_pairs": ("nodes", "all"),
    "kl_scale": ("node_mean", "node_mean_twice"),
    "embedding": ("attended", "joined", "mean", "sample", "weighted"),
    "smoothing": ("none", "causal", "two_sided"),
}
_SWITCHES = (
    "self_path",
    "residual",
    "variational",
    "history_node",
    "gate",
    "left_out",
    "pooled_scale",
    "recall",
)


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """
    Options of the model; the values here are those of the profile ``"recurrent"``.

    Which profile reads which of them stands in
    :mod:`tavrnn_ephys.methods.tavrnn.profiles`.

    Parameters
    ----------
    hidden_size, latent_size, n_layers : int
        Width of the hidden state and of the latent variable; layers of the graph GRU.
    node_features : {"spectral", "graph"}
        Coordinates of the window's graph in a basis fitted on the training windows, or the
        features that the graphs bring.
    n_spectral : int
        Number of spectral coordinates; at least ``latent_size`` is used.
    propagation : {"signed", "binary"}
        Whether messages carry the sign and size of the weights.
    self_path : bool
        Whether every graph convolution has weights of its own for the vertex itself.
    residual : bool
        Whether a linear map of the features adds to the posterior mean.
    variational : bool
        Whether the latent variable is a distribution; without it ``z = μ`` and there is no KL
        term.
    history_node : bool
        Whether the history node of the graphs is used; without it they are read as if they had
        none.
    bias : {"everywhere", "recurrence"}
        Which graph convolutions have a bias.
    recurrence : {"trained", "untrained", "none", "state_space", "independent"}
        The graph GRU: learnt, left at its initial weights, or absent; or in its place states of
        the network that decay from window to window at a rate learnt from the data, and the same
        states without memory of earlier windows.
    attention : {"history", "node", "none"}
        Query and keys from the history node, from each vertex, or no attention.
    attention_width : int or None
        Number of earlier windows that are attended to; ``None`` for all.
    attention_recency : float
        Slope by which the score of a window falls with each window that it lies back; 0 for
        none.
    attention_memory : {"recurrent", "attended"}
        Whether later windows see the states before or after attention.
    attention_values : {"bounded", "linear"}
        Whether the attended state passes through tanh.
    decoder : {"unfolded", "inner"}
        ``½ (U zᵀ + z Uᵀ)`` around the mean training graph, or ``z zᵀ``.
    target : {"signed", "binary"}
        Signed weights under a Gaussian, or edges under a cross-entropy.
    target_pairs : {"nodes", "all"}
        Pairs of different nodes, or all pairs of vertices, diagonal and history included.
    kl_weight : float
        Weight of the KL term.
    kl_scale : {"node_mean", "node_mean_twice"}
        Mean over vertices, or that mean divided by their number once more.
    prediction_weight : float
        Weight of the reconstruction of each window from its prior, that is from the windows
        before it alone.
    gate : bool
        Whether only pairs that are coupled on average are expected to change, for states alone.
    left_out : bool
        Whether a window that the fit saw is embedded with loadings that were learnt without it,
        for states alone.
    pooled_scale : bool
        Whether the variance of a pair, by which it is scaled, is drawn towards that of all pairs,
        the more the fewer windows tell it, for states alone.
    recall : bool
        Whether a state is recalled from kinds of windows that return, however long ago they were
        seen last, where kinds tell left-out windows better than states that decay, for states
        alone.
    embedding : {"attended", "joined", "mean", "sample", "weighted"}
        What the embedding is: the posterior means of the window and of those that it attends to,
        averaged with the weights of attention, for states that last longer than windows; the
        posterior mean with that average beside it, ``2 · latent_size`` coordinates; the
        posterior mean; one sample; or the mean in units of its standard deviation, so that
        uncertain coordinates count less.  Without attention ``"attended"`` and ``"joined"`` are
        the mean.
    smoothing : {"none", "causal", "two_sided"}
        Exponential smoothing of embeddings over windows: none; over past windows, which also
        serves a stream; or forwards and backwards, for recordings that have ended.
    smoothing_factor : float
        Share of the past in each step of the smoothing, in [0, 1).

    Raises
    ------
    InputError
        If a value is not allowed.
    """

    hidden_size: int = 32
    latent_size: int = 8
    n_layers: int = 1
    node_features: str = "spectral"
    n_spectral: int = 8
    propagation: str = "signed"
    self_path: bool = True
    residual: bool = True
    variational: bool = True
    history_node: bool = True
    bias: str = "everywhere"
    recurrence: str = "trained"
    attention: str = "history"
    attention_width: int | None = 10
    attention_recency: float = 0.5
    attention_memory: str = "recurrent"
    attention_values: str = "bounded"
    decoder: str = "unfolded"
    target: str = "signed"
    target_pairs: str = "nodes"
    kl_weight: float = 0.02
    kl_scale: str = "node_mean"
    prediction_weight: float = 0.0
    gate: bool = True
    left_out: bool = True
    pooled_scale: bool = True
    recall: bool = True
    embedding: str = "joined"
    smoothing: str = "none"
    smoothing_factor: float = 0.6

    def __post_init__(self) -> None:
        for name in ("hidden_size", "latent_size", "n_layers", "n_spectral"):
            positive_int(getattr(self, name), name)
        if self.attention_width is not None:
            positive_int(self.attention_width, "attention_width")
        for name, choices in _CHOICES.items():
            one_of(getattr(self, name), choices, name)
        for name in _SWITCHES:
            one_of(getattr(self, name), (True, False), name)
        for name in ("kl_weight", "prediction_weight", "attention_recency", "smoothing_factor"):
            positive_number(getattr(self, name), name, or_zero=True)
        if self.smoothing_factor >= 1.0:
            raise InputError(
                f"smoothing_factor must be at least 0 and below 1, got {self.smoothing_factor:g}."
            )

    @property
    def has_factors(self) -> bool:
        """Whether the network is a mean graph and factors whose states decay."""
        return self.recurrence in ("state_space", "independent")


PROFILES: Mapping[str, Mapping[str, Any]] = {
    "state_space": {"recurrence": "state_space", "attention": "none", "history_node": False},
    "recurrent": {},
    "paper": {
        "node_features": "graph",
        "propagation": "binary",
        "self_path": False,
        "residual": False,
        "bias": "recurrence",
        "recurrence": "untrained",
        "attention_width": None,
        "attention_recency": 0.0,
        "attention_memory": "attended",
        "attention_values": "linear",
        "decoder": "inner",
        "target": "binary",
        "target_pairs": "all",
        "kl_weight": 1.0,
        "kl_scale": "node_mean_twice",
        "embedding": "sample",
    },
}

#: What each ablation takes away from a profile.
ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "no_attention": {"attention": "none"},
    "no_history_node": {"attention": "node", "history_node": False},
    "vgrnn": {"attention": "none", "history_node": False, "recurrence": "trained"},
    "vgae": {"attention": "none", "history_node": False, "recurrence": "none"},
    "not_variational": {"variational": False},
}


def options_for(profile: str, *, ablation: str | None = None, **changes: Any) -> NetworkOptions:
    """
    Return the options of a profile, some of them changed.

    Parameters
    ----------
    profile : {"state_space", "recurrent", "paper"}
        The named set to start from.
    ablation : {"no_attention", "no_history_node", "vgrnn", "vgae", "not_variational"}, optional
        Part that is taken away: attention; the history node; both, which leaves VGRNN
        (Hajiramezanali et al. 2019); the recurrence too, which leaves one VGAE for all windows
        (Kipf & Welling 2016); or the distribution of the latent variable.
    **changes : object
        Options that differ from it.

    Returns
    -------
    NetworkOptions
        Checked options.

    Raises
    ------
    InputError
        If the profile or an option is unknown, or a value is not allowed.

    Examples
    --------
    >>> options_for("paper", latent_size=4).decoder
    'inner'
    """
    base = dict(PROFILES[one_of(profile, PROFILES, "profile", former=FORMER_PROFILES)])
    if ablation is not None:
        base |= ABLATIONS[one_of(ablation, ABLATIONS, "ablation")]
    known = {item.name for item in fields(NetworkOptions)}
    for name in changes:
        one_of(name, sorted(known), "option")
    return NetworkOptions(**{**base, **changes})

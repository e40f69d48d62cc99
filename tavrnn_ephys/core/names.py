"""The names that options take, once: the library checks them, and a shell completes them."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "BEHAVIOR_HOW",
    "EXPORTS",
    "FEATURES",
    "FIGURE_FORMS",
    "FORMER_PROFILES",
    "FORMS",
    "HOW",
    "HOW_OF_ANGLES",
    "HOW_WITH_COVERAGE",
    "LAG_KERNELS",
    "MEASURES",
    "MEASURES_OF_SPIKES",
    "METHODS",
    "ORACLE_METHODS",
    "NETWORK_FEATURES",
    "NODE_NAMES",
    "PROFILES",
    "SCENARIOS",
    "SILENT_RULES",
    "SMOOTHINGS",
    "STATE_METHODS",
    "STATE_TABLES",
    "SURROGATES",
    "TAPERS",
    "WAYS",
    "several",
]

#: Connectivity measures, each with its parameters: True where one must be given.
MEASURES: Mapping[str, Mapping[str, bool]] = {
    "pearson": {},
    "covariance": {},
    "spearman": {},
    "partial": {"shrinkage": False},
    "cross_correlation": {"max_lag": True},
    "spike_time_tiling_coefficient": {"dt": True},
    "lagged_correlation": {
        "kernel": False,
        "time_constant": False,
        "delay": False,
        "same_bin": False,
    },
}
#: Those that take exact spike times instead of bins.
MEASURES_OF_SPIKES = ("spike_time_tiling_coefficient", "lagged_correlation")
#: How the past of a source fades in a lagged correlation.
LAG_KERNELS = ("exponential", "raised_cosine")
#: What becomes of nodes whose activity does not vary in a window.
SILENT_RULES = ("zero", "nan", "raise")
#: Vertex features that graphs bring.
FEATURES = ("weights", "identity", "rates")
#: What chance is where edges are those beyond chance: each node shifted in time on its own, bins
#: shuffled within windows, or Elephant's surrogates of spike trains.
SURROGATES = (
    "shift",
    "shuffle",
    "dither_spikes",
    "jitter_spikes",
    "dither_spike_train",
    "shuffle_isis",
    "randomise_spikes",
)
#: How the bins of a window are weighed where it is tapered.
TAPERS = ("hann", "hamming", "tukey")
#: How embeddings are smoothed over windows.
SMOOTHINGS = ("none", "causal", "two_sided")
#: Profiles of the model; the first is the default.
PROFILES = ("state_space", "recurrent", "paper")
#: Profiles by the names that they had in former releases, where there was no other default.
FORMER_PROFILES: Mapping[str, str] = {"default": "recurrent"}
#: How a window of each kind of behaviour is summed up; the first is the default.
BEHAVIOR_HOW: Mapping[str, tuple[str, ...]] = {
    "signal": ("mean", "majority", "circular_mean", "nearest", "interpolated"),
    "state": ("share",),
    "epoch": ("majority", "share", "rate"),
    "event": ("rate", "count"),
    "game": ("measure",),
}
#: Those in which a signal can be an angle, and those that know how much of a window is covered.
HOW_OF_ANGLES = ("circular_mean", "nearest", "interpolated")
HOW_WITH_COVERAGE = ("mean", "majority", "circular_mean")
#: The same in one row, each once.
HOW = tuple(dict.fromkeys(how for kind in BEHAVIOR_HOW.values() for how in kind))
#: How connectivity is stored.
FORMS = ("triangle", "full", "edges")
#: Forms that pictures are written in.
FIGURE_FORMS = ("png", "svg", "pdf")
#: Forms that a run is exported in.
EXPORTS = ("csv", "parquet", "mat", "graphml")
#: How network states are fitted.
STATE_METHODS = ("hmm", "kmeans")
#: Tables of network states in a run.
STATE_TABLES = (
    "state_visits",
    "state_windows",
    "state_summary",
    "state_evidence",
    "state_transitions",
    "state_pairs",
    "state_blocks",
    "state_behavior",
    "state_decoding",
)
#: Where a run is written.
WAYS = ("copy", "in_place", "sidecar")
#: Simulated cultures of the benchmark.
SCENARIOS = ("switching", "drift", "learning", "calcium", "returning", "recognition")
#: Methods that this package brings; those of other packages come by entry point.
METHODS = (
    "rates",
    "degree",
    "uase_abs",
    "uase_abs_ema",
    "uase",
    "uase_ema",
    "uase_joined",
    "pca_edges",
    "uase_gated",
    "contributions_gated",
    "contributions_shrunk",
    "tangent_space",
    "hmm",
    "hmm_glm",
    "bilinear",
    "vgae",
    "vgrnn",
    "dyngem",
    "dynae",
    "dynae_signed",
    "dynrnn",
    "dynaernn",
    "graphert",
    "evolvegcn",
    "cebra_time",
    "cebra_behavior",
    "tavrnn",
    "tavrnn_labels",
    "tavrnn_recurrent",
    "tavrnn_paper",
    "recurrent_window",
    "recurrent_no_attention",
    "recurrent_no_recurrence",
    "recurrent_binary",
    "recurrent_inner",
)
#: What a simulated task tells someone who knows its couplings: from one window, from those up to
#: it, from all.
ORACLE_METHODS = ("oracle_window", "oracle_filtered", "oracle_smoothed")

#: What a node is called in sentences, by its kind.
NODE_NAMES: Mapping[str, str] = {"unit": "unit", "channel": "channel", "roi": "ROI"}

#: What stands for the network in tables of predictions: the best of its embeddings comes first.
NETWORK_FEATURES = ("TAVRNN embedding", "spectral embedding")


def several(kind: str) -> str:
    """
    Name several nodes of a kind, for a message.

    Parameters
    ----------
    kind : str
        Kind of the nodes; one that is unknown is named as it stands.

    Returns
    -------
    str
        The plural.

    Examples
    --------
    >>> several("roi"), several("channel")
    ('ROIs', 'channels')
    """
    return f"{NODE_NAMES.get(kind, kind)}s"

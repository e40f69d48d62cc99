"""How graphs are made of connectivity: which weights are edges, and what chance is."""

from __future__ import annotations

from dataclasses import dataclass

from tavrnn_ephys.core.checks import (
    is_real_number,
    one_of,
    positive_int,
    positive_number,
    whole_number,
)
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import FEATURES, SURROGATES
from tavrnn_ephys.core.spec.facts import fact

__all__ = ["GraphSpec"]

_LEAST_SURROGATES = 20
_DITHERED = ("dither_spikes", "jitter_spikes", "dither_spike_train")


@dataclass(frozen=True, kw_only=True)
class GraphSpec:
    """
    How graphs are made of connectivity.

    Edges are the weights of at least ``threshold``, or those that one of ``density``,
    ``n_strongest`` and ``false_discoveries`` keeps.

    Parameters
    ----------
    threshold : float
        Smallest absolute weight of an edge.
    features : {"weights", "identity", "rates"}
        Vertex features that the graphs bring; or a function of one's own, stored by its name.
    history_node : bool
        Whether each graph has a vertex joined to all others.
    density : float, optional
        Share of all pairs that are edges in every window, the strongest, in (0, 1].
    n_strongest : int, optional
        Edges are the strongest weights of each node, so many.
    false_discoveries : float, optional
        Edges are the weights beyond chance; of them at most this share is false, in (0, 1).
    surrogates : str
        What chance is, one of ``tavrnn_ephys.core.names.SURROGATES``.
    n_surrogates : int
        Number of surrogate recordings, at least 20.
    surrogate_reach_s : float, optional
        How far spikes are moved, or the least shift, in seconds; by default five bins, and a
        twentieth of the recording.

    Raises
    ------
    InputError
        If a number is out of its range, several rules for edges are chosen, or there are no such
        features or surrogates.

    Examples
    --------
    >>> GraphSpec(threshold=0.6).threshold
    0.6
    >>> GraphSpec(density=0.1).rule
    'density'
    """

    threshold: float = fact("analysis.threshold", default=0.0)
    features: str = fact("analysis.features", default="weights")
    history_node: bool = fact("analysis.history_node", default=True)
    density: float | None = fact("analysis.density", kind="optional", default=None)
    n_strongest: int | None = fact("analysis.n_strongest", kind="optional", default=None)
    false_discoveries: float | None = fact(
        "analysis.false_discoveries", kind="optional", default=None
    )
    surrogates: str = fact("analysis.surrogates", kind="optional", default="shift")
    n_surrogates: int = fact("analysis.n_surrogates", kind="optional", default=100)
    surrogate_reach_s: float | None = fact(
        "analysis.surrogate_reach_s", kind="optional", default=None
    )

    def __post_init__(self) -> None:
        positive_number(self.threshold, "threshold", or_zero=True)
        if not callable(self.features):
            one_of(self.features, FEATURES, "features")
        one_of(self.history_node, (True, False), "history_node")
        if self.density is not None and not (
            is_real_number(self.density) and 0 < self.density <= 1
        ):
            raise InputError(
                f"density must lie in (0, 1], got {self.density!r}: the share of all pairs that "
                "become edges, such as 0.1."
            )
        if self.n_strongest is not None:
            positive_int(self.n_strongest, "n_strongest")
        self._check_rule()
        self._check_chance()

    @property
    def rule(self) -> str:
        """Name of the parameter that says which weights are edges."""
        return self._rules()[0] if self._rules() else "threshold"

    def _rules(self) -> list[str]:
        given = {
            "threshold": self.threshold > 0,
            "density": self.density is not None,
            "n_strongest": self.n_strongest is not None,
            "false_discoveries": self.false_discoveries is not None,
        }
        return [name for name, is_given in given.items() if is_given]

    def _check_rule(self) -> None:
        rules = self._rules()
        if len(rules) > 1:
            raise InputError(f"Edges are chosen in one way, got {' beside '.join(rules)}.")

    def _check_chance(self) -> None:
        q = self.false_discoveries
        if q is None:
            changed = [
                name
                for name in ("surrogates", "n_surrogates", "surrogate_reach_s")
                if getattr(self, name) != type(self).__dataclass_fields__[name].default
            ]
            if changed:
                raise InputError(
                    f"{changed[0]} says what chance is where edges are those beyond it: name "
                    "false_discoveries, such as 0.05."
                )
        elif not (is_real_number(q) and 0 < q < 1):
            raise InputError(
                f"false_discoveries must lie between 0 and 1, got {q!r}: the share of edges that "
                "may be false, such as 0.05."
            )
        one_of(self.surrogates, SURROGATES, "surrogates")
        if whole_number(self.n_surrogates, "n_surrogates") < _LEAST_SURROGATES:
            raise InputError(
                f"{self.n_surrogates} surrogates are too few to tell edges from chance; "
                f"{_LEAST_SURROGATES} are needed."
            )
        if self.surrogate_reach_s is not None:
            positive_number(self.surrogate_reach_s, "surrogate_reach_s")
            if self.surrogates not in ("shift", *_DITHERED):
                raise InputError(
                    f"surrogate_reach_s says how far surrogates move, and '{self.surrogates}' "
                    "knows no distance. Leave it out."
                )

"""What a network has to do with a behaviour, collected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import WindowBehavior, WindowRanking
from tavrnn_ephys.networks.alignment import GroupAlignment
from tavrnn_ephys.studies.behavior.config import BehaviorConfig

if TYPE_CHECKING:
    import pandas

__all__ = ["BehaviorResult"]


@dataclass(frozen=True, kw_only=True)
class BehaviorResult:
    """
    What the network has to do with a behaviour.

    Parameters
    ----------
    config : BehaviorConfig
        How.
    behavior : WindowBehavior
        The behaviour per window.
    score : numpy.ndarray, shape (n_windows,)
        The behaviour as a number; of labels, their position in the alphabet from 0.
    ranking : WindowRanking or None
        High and Low windows; None for labels and angles, or where too few lie far enough apart.
    decoding : pandas.DataFrame
        One row per kind of features, with the score, its chance and its p-value.
    partition : pandas.DataFrame
        One row per embedding: what it says beside mean rates, and what both say alike.
    association : pandas.DataFrame
        One row per measure of a window, rates held constant and not; of more than two labels for
        each label against all others, of an angle for its cosine and its sine (``component``).
    nodes, edges : pandas.DataFrame
        One row per node, and per pair of nodes; and component, where there are several.
    per_window : pandas.DataFrame
        One row per window: limits, behaviour, alignment, network measures, attention.
    alignment : GroupAlignment or None
        Alignment of groups; None where nodes have none.
    changes : pandas.DataFrame
        Change points of the network and of the behaviour.
    n_behaviors : int
        Number of behaviours over which p-values and q-values are corrected.
    """

    config: BehaviorConfig
    behavior: WindowBehavior
    score: NDArray[np.float64]
    ranking: WindowRanking | None
    decoding: pandas.DataFrame
    partition: pandas.DataFrame
    association: pandas.DataFrame
    nodes: pandas.DataFrame
    edges: pandas.DataFrame
    per_window: pandas.DataFrame
    alignment: GroupAlignment | None
    changes: pandas.DataFrame
    n_behaviors: int = 1

    def __str__(self) -> str:
        lines = [f"Behaviour '{self.behavior.name}', {self.behavior.how} per window:", ""]
        lines.append(f"  {'predicted from':<44} {'score':>7}   chance (95 %)          p")
        p = "p_value" if self.n_behaviors == 1 else "p_corrected"
        for row in self.decoding.to_dict("records"):
            chance = f"{row['chance_low']:.3f} to {row['chance_high']:.3f}"
            lines.append(
                f"  {row['features']:<44} {row['score']:>7.3f}   {chance:<18} {row[p]:.3f}"
            )
        lines += ["", "  " + f"{'unique to, beside mean rates':<44} {'part':>7}   95 %"]
        for row in self.partition.itertuples():
            for name, part in (
                (row.embedding, "unique_embedding"),
                (f"{row.embedding}, bins shuffled", "control"),
            ):
                value, low, high = (getattr(row, f"{part}{end}") for end in ("", "_low", "_high"))
                lines.append(f"  {name:<44} {value:>+7.3f}   {low:+.3f} to {high:+.3f}")
        lines += ["", f"  {'associated, rates held constant':<44} {'r':>7}   p"]
        held = self.association[self.association["rates_held"]]
        for row in held.to_dict("records"):
            name = (
                f"{row['feature']}{', ' if row.get('component') else ''}{row.get('component', '')}"
            )
            lines.append(f"  {name:<44} {row['correlation']:>7.3f}   {row['p_value']:.3f}")
        found = int((self.nodes["q_value"] < 0.05).sum()), int((self.edges["q_value"] < 0.05).sum())
        lines += ["", f"Nodes and edges that follow it at q < 0.05: {found[0]} and {found[1]}."]
        if self.n_behaviors > 1:
            lines.append(
                f"P of predictions and q are corrected over {self.n_behaviors} behaviours."
            )
        return "\n".join(lines)

"""Which nodes and which time of a recording are meant."""

from __future__ import annotations

from dataclasses import dataclass

from tavrnn_ephys.core.checks import is_real_number, one_of, positive_number, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.expressions import parse_expression
from tavrnn_ephys.core.spec.facts import fact

__all__ = ["SelectionSpec"]


@dataclass(frozen=True, kw_only=True)
class SelectionSpec:
    """
    Which nodes and which time of a recording are analysed; all of both by default.

    Parameters
    ----------
    nodes : str, optional
        Condition on the columns of the table of nodes, such as
        ``"quality == 'good' and region == 'CA1'"``; see
        :func:`tavrnn_ephys.core.expressions.parse_expression`.
    node_ids : tuple of str
        Ids of the nodes; empty for all.
    min_rate_hz : float, optional
        Least mean rate of a node over the selected time, in spikes per second.
    min_node_spikes : int, optional
        Least number of spikes of a node over the selected time.
    t_start_s, t_stop_s : float, optional
        Limits of the time in seconds, on the clock of the recording.
    exclude : tuple of str
        Tables of intervals whose time is left out, such as artefacts; ``"NAME:LABEL"`` for those
        of one label.
    keep_invalid_times : bool
        Whether the time that the table ``invalid_times`` of an NWB file names is analysed too.

    Raises
    ------
    InputError
        If a condition cannot be read, a number is out of range, or the limits leave no time.

    Examples
    --------
    >>> SelectionSpec(nodes="region == 'CA1'", t_start_s=10.0).is_everything
    False
    """

    nodes: str | None = fact("selection.nodes", kind="optional", default=None)
    node_ids: tuple[str, ...] = fact("selection.node_ids", kind="json", default=())
    min_rate_hz: float | None = fact("selection.min_rate_hz", kind="optional", default=None)
    min_node_spikes: int | None = fact("selection.min_node_spikes", kind="optional", default=None)
    t_start_s: float | None = fact("selection.t_start_s", kind="optional", default=None)
    t_stop_s: float | None = fact("selection.t_stop_s", kind="optional", default=None)
    exclude: tuple[str, ...] = fact("selection.exclude", kind="json", default=())
    keep_invalid_times: bool = fact("selection.keep_invalid_times", kind="optional", default=False)

    def __post_init__(self) -> None:
        if self.nodes is not None:
            parse_expression(self.nodes)
        for name in ("node_ids", "exclude"):
            value = getattr(self, name)
            if isinstance(value, str) or not all(isinstance(item, str) and item for item in value):
                raise InputError(f"{name} must be a list of names, got {value!r:.60}.")
            object.__setattr__(self, name, tuple(value))
        if self.min_rate_hz is not None:
            positive_number(self.min_rate_hz, "min_rate_hz", or_zero=True)
        if self.min_node_spikes is not None:
            whole_number(self.min_node_spikes, "min_node_spikes")
        one_of(self.keep_invalid_times, (True, False), "keep_invalid_times")
        self._check_limits()

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out but what the recording itself calls invalid."""
        return self in (SelectionSpec(), SelectionSpec(keep_invalid_times=True))

    def _check_limits(self) -> None:
        for name in ("t_start_s", "t_stop_s"):
            value = getattr(self, name)
            if value is not None and not is_real_number(value):
                raise InputError(f"{name} must be a finite number of seconds, got {value!r}.")
        if self.t_start_s is None or self.t_stop_s is None or self.t_start_s < self.t_stop_s:
            return
        raise InputError(
            f"t_start_s must lie before t_stop_s, got {self.t_start_s:g} s and {self.t_stop_s:g} s."
        )

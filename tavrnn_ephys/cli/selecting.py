"""Options that say which nodes, which time, and which windows: those of the specifications."""

from __future__ import annotations

import argparse
from typing import Any

from tavrnn_ephys.cli.options import Gather, Switch, rate, time, whole_number

__all__ = ["add_layout", "add_selection", "layout_choices", "selection_of"]


def add_layout(command: Any) -> None:
    """
    Add windows that do not slide to a command.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    """
    group = command.add_argument_group("windows that do not slide")
    group.add_argument(
        "--windows",
        metavar="NAME",
        help="one window per interval of this table, such as trials; NAME:LABEL for one label",
    )
    group.add_argument(
        "--around",
        metavar="NAME",
        help="one window around each of these events, or starts of intervals; NAME:LABEL for one "
        "label",
    )
    group.add_argument(
        "--before", type=time, metavar="TIME", help="how far it starts before, such as 1s or 0s"
    )
    group.add_argument(
        "--after", type=time, metavar="TIME", help="how far it reaches behind, such as 2s"
    )
    group.add_argument(
        "--runs-of",
        metavar="NAME",
        help="one window per run of one value or label of this behaviour",
    )


def layout_choices(options: argparse.Namespace) -> dict[str, Any]:
    """
    Read the windows that do not slide.

    Parameters
    ----------
    options : argparse.Namespace
        The options of a command.

    Returns
    -------
    dict of str to object
        Those that are given, as :class:`tavrnn_ephys.AnalysisConfig` names them.
    """
    given = {
        "intervals": options.windows,
        "around": options.around,
        "before_s": options.before,
        "after_s": options.after,
        "runs_of": options.runs_of,
    }
    return {name: value for name, value in given.items() if value is not None}


def add_selection(command: Any) -> None:
    """
    Add the choice of nodes and time to a command.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    """
    group = command.add_argument_group("which nodes, and which time")
    group.add_argument(
        "--nodes",
        metavar="CONDITION",
        help="nodes that meet a condition on the columns of their table, such as "
        "\"quality == 'good' and region == 'CA1'\"",
    )
    group.add_argument(
        "--node-id",
        action=Gather,
        default=[],
        metavar="ID",
        help="a node by its id; can be given several times",
    )
    group.add_argument(
        "--each",
        metavar="COLUMN",
        help="one run for the nodes of each value of this column, such as region; runs bear the "
        "names of the values, and so do pages, folders of figures and of tables",
    )
    group.add_argument(
        "--min-rate",
        type=rate,
        metavar="RATE",
        help="nodes that fire at least so often in the time that is analysed, such as 0.1Hz",
    )
    group.add_argument(
        "--min-spikes",
        type=whole_number,
        metavar="N",
        help="nodes with at least so many spikes in the time that is analysed",
    )
    group.add_argument(
        "--from", dest="t_start", type=time, metavar="TIME", help="start of the time, such as 10s"
    )
    group.add_argument(
        "--to", dest="t_stop", type=time, metavar="TIME", help="end of the time, such as 5min"
    )
    group.add_argument(
        "--exclude",
        action=Gather,
        default=[],
        metavar="NAME",
        help="time that this table of intervals names is left out, such as artefacts; NAME:LABEL "
        "for one label; can be given several times",
    )
    group.add_argument(
        "--keep-invalid-times",
        action=Switch,
        help="analyse the time, too, that the table invalid_times of an NWB file names",
    )


def selection_of(options: argparse.Namespace) -> Any:
    """
    Read the choice of nodes and time.

    Parameters
    ----------
    options : argparse.Namespace
        The options of a command.

    Returns
    -------
    SelectionSpec
        The choice.
    """
    from tavrnn_ephys.core.spec import SelectionSpec

    return SelectionSpec(
        nodes=options.nodes,
        node_ids=tuple(options.node_id),
        min_rate_hz=options.min_rate,
        min_node_spikes=options.min_spikes,
        t_start_s=options.t_start,
        t_stop_s=options.t_stop,
        exclude=tuple(options.exclude),
        keep_invalid_times=options.keep_invalid_times,
    )

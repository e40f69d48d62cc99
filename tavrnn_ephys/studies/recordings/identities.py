"""Culture, group and trend of each recording, and the tests over them."""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.io.blocks import annotated_fields
from tavrnn_ephys.statistics.across_cultures import group_differences, paired_effects
from tavrnn_ephys.statistics.conditions import condition_effects
from tavrnn_ephys.statistics.discoveries import q_values
from tavrnn_ephys.statistics.mixed import mixed_effects
from tavrnn_ephys.studies.recordings.config import ComparisonConfig

if TYPE_CHECKING:
    import neo
    import pandas

__all__ = ["check_groups", "effects_of", "identities", "known_of", "model_of", "omnibus_of"]


def known_of(block: neo.Block, path: Path) -> dict[str, str]:
    """
    Collect what a recording says of itself that can name a group or a culture.

    Parameters
    ----------
    block : neo.Block
        The recording.
    path : pathlib.Path
        Its file.

    Returns
    -------
    dict of str to str
        Name of the file, annotations of the block, fields of its subject.
    """
    facts: dict[str, str] = {"file": path.stem}
    for source in (block.annotations, annotated_fields(block.annotations, "subject")):
        facts |= {
            str(key): str(value)
            for key, value in source.items()
            if isinstance(value, str | int | float | np.integer | np.floating)
        }
    return facts


def identities(facts: Sequence[Mapping[str, str]], config: ComparisonConfig) -> pandas.DataFrame:
    """
    Name culture, group and trend of each recording.

    Parameters
    ----------
    facts : sequence of mapping
        What each recording says of itself.
    config : ComparisonConfig
        What names them.

    Returns
    -------
    pandas.DataFrame
        One row per recording.

    Raises
    ------
    InputError
        If a recording does not say what is asked for.

    Warns
    -----
    DataLossWarning
        If files count as cultures of their own, for they name no subject.
    """
    import pandas as pd

    columns: dict[str, Any] = {"file": [item["file"] for item in facts]}
    culture_by = config.culture_by
    if culture_by is None:
        culture_by = _own_name(facts, is_counted=bool(config.group_by or config.trend))
    columns["culture"] = [_fact(item, culture_by, "--culture-by") for item in facts]
    if config.group_by is not None:
        for name in config.factors if len(config.factors) > 1 else ():
            if name in (*columns, "group", "trend"):
                raise InputError(f"'{name}' cannot be a factor: it names the recording itself.")
            columns[name] = [_fact(item, name, "--group-by") for item in facts]
        columns["group"] = [
            ", ".join(_fact(item, name, "--group-by") for name in config.factors) for item in facts
        ]
    if config.trend is not None:
        texts = [_fact(item, config.trend, "--trend") for item in facts]
        columns["trend"] = [_number(text, config.trend) for text in texts]
    return pd.DataFrame(columns)


def _own_name(facts: Sequence[Mapping[str, str]], *, is_counted: bool) -> str:
    """Choose what names a culture where nobody says; a file of its own is a guess, and is told."""
    n_without = sum("subject_id" not in item for item in facts)
    if n_without == 0:
        return "subject_id"
    if is_counted and len(facts) > 1:
        shared = set.intersection(*(set(item) for item in facts)) - {"file"}
        known = f": {some(sorted(shared), 12)}" if shared else ", which these files lack"
        warnings.warn(
            f"{n_without} of {len(facts)} files name no subject, so that each file counts as a "
            "culture of its own. Where a culture was recorded more than once, say what names it, "
            f"culture_by (--culture-by on the command line){known}. Or write subject_id into the "
            "files: tavrnn-ephys convert --metadata.",
            DataLossWarning,
            stacklevel=4,
        )
    return "file"


def _fact(facts: Mapping[str, str], key: str, flag: str) -> str:
    if key not in facts:
        raise InputError(
            f"'{facts['file']}' does not say its '{key}', which {flag} asks for; it says "
            f"{some(facts, 12)}."
        )
    return facts[key]


def _number(text: str, key: str) -> float:
    """Read a number, or the days of an ISO duration such as P21D."""
    found = re.fullmatch(r"P(\d+(?:\.\d+)?)D", text)
    try:
        return float(found[1] if found else text)
    except ValueError:
        raise InputError(f"A trend needs numbers, and '{key}' is '{text}'.") from None


def check_groups(about: pandas.DataFrame, config: ComparisonConfig) -> None:
    """
    Refuse what no test can be made of, before anything is computed.

    Parameters
    ----------
    about : pandas.DataFrame
        What :func:`identities` gave.
    config : ComparisonConfig
        How recordings are compared.

    Raises
    ------
    InputError
        If there are too few groups, conditions or cultures.
    """
    probe = about.assign(n=0.0)
    if config.fits_model:
        mixed_effects(probe, ["n"], culture="culture", factors=_factor_columns(config))
    elif config.is_paired:
        _paired(probe, ["n"], config)
    else:
        group_differences(probe, ["n"], culture="culture", group="group", n_permutations=1)


def _factor_columns(config: ComparisonConfig) -> list[str]:
    return list(config.factors) if len(config.factors) > 1 else ["group"]


def _paired(
    table: pandas.DataFrame, measures: Sequence[str], config: ComparisonConfig
) -> pandas.DataFrame:
    """Compare every two conditions within cultures; q-values are over all of them."""
    import pandas as pd

    names = sorted(table["group"].unique())
    if len(names) < 2:
        raise InputError(
            f"A paired comparison needs two conditions; there is {len(names)} ({some(names)})."
        )
    parts = [
        paired_effects(table, measures, culture="culture", condition="group", contrast=contrast,
                       seed=config.seed)
        for contrast in itertools.combinations(names, 2)
    ]  # fmt: skip
    found = pd.concat(parts, ignore_index=True)
    return found.assign(q_value=q_values(found["p_value"].to_numpy()))


def effects_of(
    table: pandas.DataFrame, measures: Sequence[str], config: ComparisonConfig
) -> pandas.DataFrame | None:
    """
    Test the groups of cultures, or the conditions within them.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per recording, with its measures.
    measures : sequence of str
        Which columns are tested.
    config : ComparisonConfig
        How.

    Returns
    -------
    pandas.DataFrame or None
        One row per measure and contrast; None where no groups are named, or a mixed model is
        fitted.
    """
    if config.group_by is None or config.fits_model:
        return None
    if config.is_paired:
        return _paired(table, measures, config)
    return group_differences(table, measures, culture="culture", group="group", seed=config.seed)


def omnibus_of(
    table: pandas.DataFrame, measures: Sequence[str], config: ComparisonConfig
) -> pandas.DataFrame | None:
    """
    Test whether any of more than two conditions differs.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per recording, with its measures.
    measures : sequence of str
        Which columns are tested.
    config : ComparisonConfig
        How.

    Returns
    -------
    pandas.DataFrame or None
        One row per measure; None for two conditions, whose contrast says all, for none, and
        beside a mixed model.
    """
    if config.group_by is None or config.fits_model or table["group"].nunique() < 3:
        return None
    return condition_effects(
        table, measures, culture="culture", condition="group", seed=config.seed
    )


def model_of(
    table: pandas.DataFrame, measures: Sequence[str], config: ComparisonConfig
) -> pandas.DataFrame | None:
    """
    Fit the mixed model of each measure.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per recording, with its measures.
    measures : sequence of str
        Which columns are tested.
    config : ComparisonConfig
        How.

    Returns
    -------
    pandas.DataFrame or None
        One row per measure and term; None where no model is asked for.
    """
    if not config.fits_model:
        return None
    found = mixed_effects(table, measures, culture="culture", factors=_factor_columns(config))
    return found.replace({"term": {"group": config.factors[0]}})

"""Sentences of the library as the command line says them: parameters by the names of options."""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["OPTIONS", "as_options"]

#: Options by the parameter of the library that each stands for, where the names differ.
OPTIONS = {
    "bin_size_s": "--bin-size",
    "bin_size": "--bin-size",
    "window_length_s": "--window",
    "window_length": "--window",
    "step_s": "--step",
    "before_s": "--before",
    "after_s": "--after",
    "runs_of": "--runs-of",
    "min_rate_hz": "--min-rate",
    "min_node_spikes": "--min-spikes",
    "node_ids": "--node-id",
    "t_start_s": "--from",
    "t_stop_s": "--to",
    "keep_invalid_times": "--keep-invalid-times",
    "segment_index": "--segment",
    "measure_options": "--measure-option",
    "min_spikes": "--min-spikes-per-window",
    "silent_nodes": "--silent-nodes",
    "n_strongest": "--strongest",
    "false_discoveries": "--false-discoveries",
    "n_surrogates": "--n-surrogates",
    "surrogate_reach_s": "--surrogate-reach",
    "history_node": "--history-node",
    "latent_size": "--latent-size",
    "model_options": "--model-option",
    "training_epochs": "--training-epochs",
    "least_coverage": "--behavior-coverage",
    "n_nulls": "--behavior-nulls",
    "n_states": "--states",
    "max_states": "--most-states",
    "n_folds": "--folds",
    "n_classes": "--classes",
    "n_seeds": "--seeds",
    "n_steps": "--steps",
    "n_jobs": "--n-jobs",
    "culture_by": "--culture-by",
    "group_by": "--group-by",
}
# These are words of English too, and parameters at the beginning of a sentence alone, or before
# a verb that only a parameter takes.
_WORDS = {
    "step": "--step", "before": "--before", "after": "--after", "intervals": "--windows",
    "around": "--around", "threshold": "--threshold", "density": "--density", "taper": "--taper",
    "measure": "--measure", "profile": "--profile", "seed": "--seed", "how": "--behavior-how",
    "period": "--behavior-period", "features": "--features", "smoothing": "--smoothing",
    "surrogates": "--surrogates", "method": "--states-method", "exclude": "--exclude",
    "nodes": "--nodes",
}  # fmt: skip
_VERBS = r"(?= must | is given | weighs | says what | is the full turn )"


def as_options(sentence: str, known: Collection[str]) -> str:
    """
    Name the options of a command in place of the parameters that a sentence names.

    Parameters
    ----------
    sentence : str
        A message of the library.
    known : collection of str
        Options of the command.

    Returns
    -------
    str
        The same for whoever typed the command.  A parameter whose option stands in the sentence
        already, or that is shown as Python, is left.

    Examples
    --------
    >>> as_options("Windows around events need before_s, a number of seconds.", ["--before"])
    'Windows around events need --before, a number of seconds.'
    >>> as_options("step must be a whole number of 0.1 s bins.", ["--step"])
    '--step must be a whole number of 0.1 s bins.'
    >>> as_options("Choose it by segment_index, --segment on the command line.", ["--segment"])
    'Choose it by segment_index, --segment on the command line.'
    """
    for name, option in OPTIONS.items():
        if option in known and not re.search(rf"{option}(?![\w-])", sentence):
            sentence = re.sub(rf"(?<![\w.\-'\[]){name}(?![\w=('-])", option, sentence)
    for name, option in _WORDS.items():
        if option in known and not re.search(rf"{option}(?![\w-])", sentence):
            sentence = re.sub(rf"^{name}{_VERBS}", option, sentence)
    return sentence

"""Honest evaluation: blocked folds, everything fitted inside them, nulls that shift time."""

from tavrnn_ephys.evaluation.alternation import decode_alternating as decode_alternating
from tavrnn_ephys.evaluation.decoding import DecodingScore as DecodingScore
from tavrnn_ephys.evaluation.decoding import decode_labels as decode_labels
from tavrnn_ephys.evaluation.folds import BlockedFold as BlockedFold
from tavrnn_ephys.evaluation.folds import FoldFeatures as FoldFeatures
from tavrnn_ephys.evaluation.folds import blocked_folds as blocked_folds
from tavrnn_ephys.evaluation.folds import embed_in_folds as embed_in_folds
from tavrnn_ephys.evaluation.folds import features_in_folds as features_in_folds
from tavrnn_ephys.evaluation.regression import RegressionScore as RegressionScore
from tavrnn_ephys.evaluation.regression import regress_values as regress_values

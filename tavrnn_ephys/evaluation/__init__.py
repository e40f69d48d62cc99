"""Honest evaluation: blocked folds, everything fitted inside them, nulls that shift time."""

from tavrnn_ephys.evaluation.alternation import decode_alternating as decode_alternating
from tavrnn_ephys.evaluation.clustering import ClusteringScore as ClusteringScore
from tavrnn_ephys.evaluation.clustering import cluster_nodes as cluster_nodes
from tavrnn_ephys.evaluation.clustering import cluster_windows as cluster_windows
from tavrnn_ephys.evaluation.consistency import consistency_across_folds as consistency_across_folds
from tavrnn_ephys.evaluation.consistency import (
    consistency_across_sessions as consistency_across_sessions,
)
from tavrnn_ephys.evaluation.consistency import procrustes_agreement as procrustes_agreement
from tavrnn_ephys.evaluation.cost import measured_cost as measured_cost
from tavrnn_ephys.evaluation.decoding import DecodingScore as DecodingScore
from tavrnn_ephys.evaluation.decoding import decode_labels as decode_labels
from tavrnn_ephys.evaluation.embedding import FoldEmbedding as FoldEmbedding
from tavrnn_ephys.evaluation.embedding import nodes_in_folds as nodes_in_folds
from tavrnn_ephys.evaluation.embedding import transductive_features as transductive_features
from tavrnn_ephys.evaluation.folds import BlockedFold as BlockedFold
from tavrnn_ephys.evaluation.folds import FoldFeatures as FoldFeatures
from tavrnn_ephys.evaluation.folds import blocked_folds as blocked_folds
from tavrnn_ephys.evaluation.folds import embed_in_folds as embed_in_folds
from tavrnn_ephys.evaluation.folds import features_in_folds as features_in_folds
from tavrnn_ephys.evaluation.folds import grouped_folds as grouped_folds
from tavrnn_ephys.evaluation.folds import joined_features as joined_features
from tavrnn_ephys.evaluation.folds import without_covariates as without_covariates
from tavrnn_ephys.evaluation.links import LinkScore as LinkScore
from tavrnn_ephys.evaluation.links import decode_links as decode_links
from tavrnn_ephys.evaluation.partition import Share as Share
from tavrnn_ephys.evaluation.partition import VariancePartition as VariancePartition
from tavrnn_ephys.evaluation.partition import variance_partition as variance_partition
from tavrnn_ephys.evaluation.rank_regression import RankRegressionScore as RankRegressionScore
from tavrnn_ephys.evaluation.rank_regression import regress_values as regress_values
from tavrnn_ephys.evaluation.regression import RegressionScore as RegressionScore
from tavrnn_ephys.evaluation.regression import decode_values as decode_values
from tavrnn_ephys.evaluation.runs import Job as Job
from tavrnn_ephys.evaluation.runs import run_jobs as run_jobs
from tavrnn_ephys.evaluation.scoring import score_method as score_method
from tavrnn_ephys.evaluation.summary import summarize as summarize
from tavrnn_ephys.evaluation.tasks import BenchmarkTask as BenchmarkTask
from tavrnn_ephys.evaluation.tasks import TaskGraphs as TaskGraphs
from tavrnn_ephys.statistics.intervals import holm as holm
from tavrnn_ephys.statistics.intervals import paired_difference as paired_difference
from tavrnn_ephys.statistics.intervals import unit_bootstrap as unit_bootstrap
from tavrnn_ephys.statistics.nulls import surrogate_scores as surrogate_scores
from tavrnn_ephys.statistics.time_shifts import circular_shifts as circular_shifts
from tavrnn_ephys.statistics.time_shifts import correlation_time as correlation_time

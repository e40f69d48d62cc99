"""Association of features with behaviour: per node, per edge, between distances, in time."""

from tavrnn_ephys.statistics.association.change_points import ChangePointMatch as ChangePointMatch
from tavrnn_ephys.statistics.association.change_points import change_points as change_points
from tavrnn_ephys.statistics.association.change_points import (
    match_change_points as match_change_points,
)
from tavrnn_ephys.statistics.association.distances import DistanceAssociation as DistanceAssociation
from tavrnn_ephys.statistics.association.distances import associate_distances as associate_distances
from tavrnn_ephys.statistics.association.effects import associate as associate
from tavrnn_ephys.statistics.association.effects import associate_edges as associate_edges
from tavrnn_ephys.statistics.association.effects import associate_nodes as associate_nodes
from tavrnn_ephys.statistics.association.effects import rate_covariates as rate_covariates

"""Behaviour per window: summaries of Neo objects, measures of a game, ranks of windows."""

from tavrnn_ephys.activity.behavior.game import GameEpisodes as GameEpisodes
from tavrnn_ephys.activity.behavior.game import episodes_of_segment as episodes_of_segment
from tavrnn_ephys.activity.behavior.game import game_measures as game_measures
from tavrnn_ephys.activity.behavior.per_window import WindowBehavior as WindowBehavior
from tavrnn_ephys.activity.behavior.per_window import behavior_means as behavior_means
from tavrnn_ephys.activity.behavior.per_window import window_behavior as window_behavior
from tavrnn_ephys.activity.behavior.ranking import WindowRanking as WindowRanking
from tavrnn_ephys.activity.behavior.ranking import rank_windows as rank_windows
from tavrnn_ephys.activity.behavior.summaries import window_circular_means as window_circular_means
from tavrnn_ephys.activity.behavior.summaries import window_majorities as window_majorities
from tavrnn_ephys.activity.behavior.summaries import window_rates as window_rates

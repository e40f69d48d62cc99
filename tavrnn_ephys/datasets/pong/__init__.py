"""A simulated culture that plays Pong, answers stimulation, and can be played with."""

from tavrnn_ephys.datasets.pong.block import pong_block as pong_block
from tavrnn_ephys.datasets.pong.config import PongConfig as PongConfig
from tavrnn_ephys.datasets.pong.game import PongGame as PongGame
from tavrnn_ephys.datasets.pong.game import PongTick as PongTick
from tavrnn_ephys.datasets.pong.game import play_pong as play_pong

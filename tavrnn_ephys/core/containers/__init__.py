"""The plain types that travel between the steps: frozen, keyword-only, self-checking."""

from tavrnn_ephys.core.containers.activity import BinnedActivity as BinnedActivity
from tavrnn_ephys.core.containers.connectivity import ConnectivitySequence as ConnectivitySequence
from tavrnn_ephys.core.containers.embedding import NodeEmbedding as NodeEmbedding
from tavrnn_ephys.core.containers.nodes import Nodes as Nodes
from tavrnn_ephys.core.containers.origin import Origin as Origin
from tavrnn_ephys.core.containers.windows import Windows as Windows

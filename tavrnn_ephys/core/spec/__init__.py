"""One question in its parts: recording, windows, connectivity, graphs, model, behaviour."""

from tavrnn_ephys.core.spec.behavior import BehaviorSpec as BehaviorSpec
from tavrnn_ephys.core.spec.connectivity import ConnectivitySpec as ConnectivitySpec
from tavrnn_ephys.core.spec.facts import from_facts as from_facts
from tavrnn_ephys.core.spec.facts import to_facts as to_facts
from tavrnn_ephys.core.spec.facts import unknown_facts as unknown_facts
from tavrnn_ephys.core.spec.graphs import GraphSpec as GraphSpec
from tavrnn_ephys.core.spec.model import ModelSpec as ModelSpec
from tavrnn_ephys.core.spec.recording import RecordingSpec as RecordingSpec
from tavrnn_ephys.core.spec.selection import SelectionSpec as SelectionSpec
from tavrnn_ephys.core.spec.states import StateSpec as StateSpec
from tavrnn_ephys.core.spec.telling import told_selection as told_selection
from tavrnn_ephys.core.spec.windows import WindowSpec as WindowSpec

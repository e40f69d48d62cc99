"""Dynamic functional-connectivity graphs of neural recordings, from Neo through TAVRNN to NWB."""

import lazy_loader as _lazy

from tavrnn_ephys._version import __version__ as __version__
from tavrnn_ephys.core import moved as _moved
from tavrnn_ephys.core import packages as _packages

_moved.install()
__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
_packages.settle(__name__, __all__)

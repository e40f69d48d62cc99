"""A fitted model over a recording that is still being made: sources, sinks, triggers."""

import lazy_loader as _lazy

from tavrnn_ephys.core import packages as _packages

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
_packages.settle(__name__, __all__)

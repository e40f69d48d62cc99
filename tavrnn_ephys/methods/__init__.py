"""Methods beside TAVRNN, one file each, behind the same ``fit`` and ``transform``."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

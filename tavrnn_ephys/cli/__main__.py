"""``python -m tavrnn_ephys.cli`` is ``tavrnn-ephys``."""

import sys

from tavrnn_ephys.cli.program import main

if __name__ == "__main__":
    sys.exit(main())

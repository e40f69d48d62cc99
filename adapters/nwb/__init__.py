"""NWB files: recordings in and out, and results beside them."""

"""The live page of a stream, in a process of its own: ``python -m tavrnn_ephys.streaming.live``."""

"""The network: forward computations only, one idea per file."""

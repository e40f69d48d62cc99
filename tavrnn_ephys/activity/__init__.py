"""From a block to bins, windows, and the behaviour of each window."""

"""State-space factors of a directed, weighted graph: the default profile of TAVRNN."""

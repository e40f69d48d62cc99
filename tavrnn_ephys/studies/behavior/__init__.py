"""The link of a network to behaviour."""

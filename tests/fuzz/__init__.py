"""Calls with inputs of every kind: each ends in a result or in a typed error."""

"""Nulls, p-values, intervals, corrections: each rule once."""

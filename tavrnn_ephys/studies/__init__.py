"""Whole questions, from a file to an answer."""

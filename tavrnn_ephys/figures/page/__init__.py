"""A run as one page that needs nothing else: collected, drawn, written."""

"""Files of multi-electrode arrays."""

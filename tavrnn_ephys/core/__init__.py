"""What everything rests on: containers, checks, errors, files."""

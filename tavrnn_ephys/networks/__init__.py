"""What is read off networks: measures, alignment of groups, attention."""

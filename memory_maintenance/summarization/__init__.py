"""Sessions become summaries: which are due, what is written, where it is kept."""

"""How fast a run of maintenance is, as ratios to what the same machine does without the application."""

"""RAE's public classes, as thin adapters over the tasks: their names, arguments and results are kept."""

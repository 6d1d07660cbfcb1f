"""A process and its surroundings: Temporal client, workers, schedules, embedded servers, wiring."""

"""What operators said and what runs did: pause, overrides, cycles, outcomes."""

"""The retryable steps: thin adapters from Temporal to memory_maintenance."""

"""What operators decided about a tenant: paused, overrides, orders."""

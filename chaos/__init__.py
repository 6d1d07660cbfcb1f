"""The whole application under failure: a bounded, seeded run on real servers, and the invariants it must leave."""

"""A cycle over the fleet: plan it, run it in this process, record what it did, add it up."""

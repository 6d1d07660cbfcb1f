"""The invariants: each a pure function of what was found after a run, so that it can be fed a violation."""

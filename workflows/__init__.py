"""The order of work and who may stop it: deterministic workflow code only."""

"""Postgres and Temporal on this machine, for those who configure no server."""

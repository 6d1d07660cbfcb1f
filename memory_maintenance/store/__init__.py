"""Postgres: the pool, the one way to run a statement, migrations, and the table of memories."""

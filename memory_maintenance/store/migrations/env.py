"""Alembic's entry: revisions run on the connection that ``migrate`` hands over."""

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
connection.execute(text("CREATE SCHEMA IF NOT EXISTS maintenance"))
connection.commit()
context.configure(connection=connection, version_table_schema="maintenance", transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()

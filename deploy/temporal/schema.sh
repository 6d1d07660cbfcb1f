#!/bin/sh
# Bring Temporal's two databases to the shape that the server of the same version wants; safe to repeat.
# temporal-sql-tool reads where they are from SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD.
set -eu

shape() {
    temporal-sql-tool --db "$1" create
    temporal-sql-tool --db "$1" setup-schema -v 0.0
    temporal-sql-tool --db "$1" update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

shape temporal temporal
shape temporal_visibility visibility

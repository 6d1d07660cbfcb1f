"""A partitioned table of memories: the columns of migrate, in parts by tenant."""

from memory_maintenance.store.schema import TABLE

HASHED = "PARTITION BY HASH (tenant_id)"
LISTED = "PARTITION BY LIST (tenant_id)"


def partitioned_table(by: str = HASHED, parts: int = 4) -> str:
    """Return the statements that make such a table, in place of one that ``migrate`` would create."""
    columns = TABLE.replace("PRIMARY KEY ", "").partition(") WITH")[0]
    table = f"{columns}, PRIMARY KEY (tenant_id, id)) {by};"
    if by == LISTED:
        named = "CREATE TABLE memories_acme PARTITION OF memories FOR VALUES IN ('acme', 'bolt');"
        return table + named + "CREATE TABLE memories_rest PARTITION OF memories DEFAULT;"
    return table + "".join(
        f"CREATE TABLE memories_{n} PARTITION OF memories FOR VALUES WITH (MODULUS {parts}, REMAINDER {n});"
        for n in range(parts)
    )

-- The columns of memories with their types, and its triggers with a digest of what they are and do.
CREATE OR REPLACE FUNCTION maintenance.memories_shape() RETURNS jsonb
LANGUAGE sql STABLE
AS $$
SELECT jsonb_build_object(
    'columns', (
        SELECT jsonb_object_agg(a.attname, format_type(a.atttypid, a.atttypmod))
        FROM pg_attribute AS a
        WHERE a.attrelid = to_regclass('memories') AND a.attnum > 0 AND NOT a.attisdropped
    ),
    'triggers', (
        SELECT coalesce(
            jsonb_object_agg(t.tgname, md5(pg_get_triggerdef(t.oid) || t.tgenabled::text || p.prosrc)), '{}')
        FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
        WHERE t.tgrelid = to_regclass('memories') AND NOT t.tgisinternal
    )
)
$$;

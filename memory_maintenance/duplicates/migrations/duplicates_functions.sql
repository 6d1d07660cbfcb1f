-- A text without its case and its kind of white space, in eight bytes; the index of texts repeats this.
CREATE OR REPLACE FUNCTION maintenance.text_key(content text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtextextended(lower(btrim(regexp_replace(content, '\s+', ' ', 'g'))), 0);

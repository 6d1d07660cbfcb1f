-- Each time that a derived text is written again is a change of kind rewritten, with the text before and after as long as
-- lineage names what they were made from: a row with evidence of none.
ALTER TABLE maintenance.changes ADD COLUMN revision integer NOT NULL DEFAULT 0;  -- 1, 2, ... of a derived text; 0: another kind
DROP INDEX maintenance.changes_pair_idx;
CREATE UNIQUE INDEX changes_pair_idx ON maintenance.changes (tenant_id, memory_id, evidence, revision);
CREATE INDEX changes_texts_idx ON maintenance.changes (tenant_id, memory_id) WHERE kind = 'rewritten' AND before IS NOT NULL;

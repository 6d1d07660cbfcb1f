-- What the writer of a derived memory read besides the sources that it names: a model's text may repeat any of it, so an
-- erased memory among them makes the text stale, too.

CREATE TABLE maintenance.lineage_read (
    tenant_id  text NOT NULL,
    derived_id uuid NOT NULL,
    read_id    uuid NOT NULL,
    PRIMARY KEY (tenant_id, derived_id, read_id)
);
CREATE INDEX lineage_read_idx ON maintenance.lineage_read (tenant_id, read_id);

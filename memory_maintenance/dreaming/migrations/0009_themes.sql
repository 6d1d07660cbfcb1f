-- Which reflection is on a theme, also where none of its evidence is in the window any more.

CREATE INDEX lineage_theme_idx ON maintenance.lineage (tenant_id, subject) WHERE task = 'dreaming';

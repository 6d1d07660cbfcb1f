-- How long ago the store's first run may adopt it; NULL: a day. An old as_of, once, must not age every memory by years.
ALTER TABLE maintenance.store ADD COLUMN earliest_adoption timestamptz;

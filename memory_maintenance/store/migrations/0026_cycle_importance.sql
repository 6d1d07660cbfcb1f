-- The importance of all memories at the end of a cycle that decayed them: later nights must not change what its page shows.
ALTER TABLE maintenance.cycles ADD COLUMN importance jsonb;  -- NULL: not recorded

-- The memories that an answer was made from, with the fingerprints of what they said: what is gone takes the text with
-- it. They are there as long as the response is; answers from before this migration have none.
ALTER TABLE maintenance.model_calls ADD COLUMN memory_ids uuid[], ADD COLUMN memory_hashes bytea[];

"""The night shift of an agent memory store: decay, summaries and dreams, without Temporal."""

"""The table of memories: its shapes, what is derived from them, insert and import."""

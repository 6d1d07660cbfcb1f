"""The task of duplicates: memories that say the same are folded, which deletes nothing."""

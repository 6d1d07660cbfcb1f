"""The task of supersession: a memory that a later one says otherwise is demoted, which deletes nothing."""

"""The commands of starter.py, one file per group."""

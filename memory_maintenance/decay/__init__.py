"""Importance fades with time and recovers with access."""

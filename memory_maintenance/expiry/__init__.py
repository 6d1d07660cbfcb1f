"""Expiry: what is past its time or over a project's budget leaves the store, with an audit row and a way back."""

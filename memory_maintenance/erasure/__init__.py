"""Forgetting by order: memories with every trace of them, a certificate, and a search for what is left."""

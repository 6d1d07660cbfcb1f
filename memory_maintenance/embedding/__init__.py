"""Embeddings: derived memories that vector search can find."""

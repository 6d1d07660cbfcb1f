"""Words, centrality and key terms: what can be said of a text without a model."""

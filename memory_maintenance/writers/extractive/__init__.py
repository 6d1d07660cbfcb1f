"""Writing without a model: which sentences are central, which terms name a text, what mood it has."""

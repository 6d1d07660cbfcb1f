"""Writing without a model: what a message says and who says it, which facts differ, which terms name a text, its mood."""

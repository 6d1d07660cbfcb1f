"""Writing without a model: what is said and by whom, which facts differ, which terms name a text, its mood."""

"""Words, dates and figures of a text, and how a text is cleaned."""

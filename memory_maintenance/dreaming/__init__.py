"""Dreams: reflections and strategies from recent important memories."""

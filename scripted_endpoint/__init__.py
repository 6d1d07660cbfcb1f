"""A scripted OpenAI-compatible HTTP endpoint for tests, chaos and benchmarks: real sockets, behind the real client."""

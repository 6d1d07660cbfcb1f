"""The operator's pages: read-only, server-rendered, from the functions behind the commands' --json."""

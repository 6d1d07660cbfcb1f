"""The operator's pages: server-rendered, from the functions behind the commands' --json; read-only by default."""

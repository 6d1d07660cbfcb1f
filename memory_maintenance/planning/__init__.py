"""Which tenants have what work."""

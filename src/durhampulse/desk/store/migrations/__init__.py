"""Changes of the store's tables, in their order."""

"""Numbers for a model, and what is usual."""

"""Files on their way into the list."""

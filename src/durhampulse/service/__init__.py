"""The scorer over HTTP."""

"""The review queue and the decisions made in it."""

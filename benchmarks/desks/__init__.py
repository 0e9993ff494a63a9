"""Desks with long lists, and reviewers at work at them."""

"""The simulated markets."""

"""What happened with creators, and learning from it."""

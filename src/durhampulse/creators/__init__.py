"""What a creator's row is, and how it gets in."""

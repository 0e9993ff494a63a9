"""Who may do what, and creators' rights."""

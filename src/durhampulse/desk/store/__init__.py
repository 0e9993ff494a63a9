"""What the desk remembers: its tables, their migrations, and the database that holds them."""

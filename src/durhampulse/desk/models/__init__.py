"""The models of the store, and the one in force."""

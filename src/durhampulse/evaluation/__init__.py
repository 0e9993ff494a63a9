"""How good a model is, and how sure one can be of that."""

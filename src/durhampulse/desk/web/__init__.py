"""The desk's pages and its REST routes."""

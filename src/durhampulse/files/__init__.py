"""Cells in and out of files, whole or in chunks."""

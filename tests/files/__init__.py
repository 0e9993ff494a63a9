"""Tests of cells in and out of files."""

"""Tests of the desk: its rules on real databases, its pages, and a real browser."""

"""Fail at the n-th: an act is run again and again, and each time another call of it fails.

A library that is loaded before the C library fails the n-th write, fsync, making of a file, move,
removal, truncation, read or large allocation below one folder. So it reaches what Python asks of
the system, and what SQLite, Arrow and zlib do as well. Each run is a fork that stands for a
process of its own; what it leaves is looked at by another, in which nothing fails.
"""

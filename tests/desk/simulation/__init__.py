"""A desk in simulated time: its threads, its clock and its faults follow from one seed.

Threads are real, and one runs at a time: at each statement, commit and lock the scheduler says who
goes on. Two processes are two stores on one database. An observer with a driver of its own checks
every committed state, and every answer that somebody got.
"""

"""The page about utilization, a module for every part of it."""

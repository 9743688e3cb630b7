"""The page about costs, a module for every part of it."""

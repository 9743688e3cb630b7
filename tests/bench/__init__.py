"""Measurements; each part runs alone, from the root of the project: `python -m tests.bench.ingest`."""

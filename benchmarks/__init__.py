"""Measurements, each a script that says what it measured and how: ``python -m benchmarks.NAME --help``."""

"""Measure what copydesk promises. `python -m benchmarks --help` is the one door."""

"""Benchmarks: each measures one thing and writes its figures to `benchmarks/results/`."""

"""Chaos, reproducible by seed: `python -m tests.chaos --seed 1 --workers 8 --faults 100`."""

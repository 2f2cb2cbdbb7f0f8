"""What wfstore's speed is held against: other libraries, bare drivers, pgbench; `python -m benchmarks --help`."""

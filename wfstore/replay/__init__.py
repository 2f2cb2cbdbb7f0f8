"""Replaying recorded runs: worker processes claim executions and store each node's result as an engine would."""

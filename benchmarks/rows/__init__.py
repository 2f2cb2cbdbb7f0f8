"""The groups of rows, one module for each."""

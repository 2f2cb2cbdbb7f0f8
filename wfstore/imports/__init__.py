"""Bringing other people's workflows in: one module a format, one report for all."""

"""Derivations: each takes a Problem and gives formulas."""

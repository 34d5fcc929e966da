"""Calculus as rule tables: reverse and forward sweeps, Jacobians, divergences."""

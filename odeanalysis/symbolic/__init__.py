"""Symbols: array expressions beside SymPy's scalars, formulas, and their calculus."""

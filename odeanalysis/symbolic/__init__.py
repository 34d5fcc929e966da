"""Symbols: array expressions beside SymPy's scalars, formulas, and their calculus."""

from odeanalysis.symbolic.printing import show

__all__ = ["show"]

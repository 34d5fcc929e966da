"""Formulas as text for other languages: `emit(formula, target)`; `callables` binds them to NumPy."""

from odeanalysis.targets.registry import TARGETS, emit

__all__ = ["TARGETS", "emit"]

"""Files instead of a library: `generate` writes modules that need NumPy or torch alone."""

from odeanalysis.generation.module import generate

__all__ = ["generate"]

"""Methods as data: explicit, implicit and Rosenbrock tableaus, proved by their order conditions."""

from odeanalysis.tableaus.coefficients import Floats, Tableau
from odeanalysis.tableaus.registry import METHODS, tableau

__all__ = ["METHODS", "Floats", "Tableau", "tableau"]

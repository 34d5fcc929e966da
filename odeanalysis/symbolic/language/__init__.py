"""The language of model files: text becomes an expression, with no other way to run anything."""

from odeanalysis.symbolic.language.grammar import FORMULAS, MODELS, Grammar
from odeanalysis.symbolic.language.names import RESERVED, check_name, is_name
from odeanalysis.symbolic.language.reader import parse

__all__ = ["FORMULAS", "MODELS", "RESERVED", "Grammar", "check_name", "is_name", "parse"]

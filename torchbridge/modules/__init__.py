"""Neural ODEs as torch modules, from a stated model or from any field."""

from torchbridge.modules.field import FieldODE
from torchbridge.modules.neural_ode import NeuralODE
from torchbridge.modules.settings import Solver
from torchbridge.modules.stated import StatedODE

__all__ = ["FieldODE", "NeuralODE", "Solver", "StatedODE"]

"""What the bounds of a certificate are made of: how far a gradient moves with its values, and with the places of its steps."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run, solve_setting
from odeanalysis.numerics.gradients.second import hessian_vector
from odeanalysis.verification.independent.compare import peak, relative_difference, scales

EXACT_BOUND = 1e-9
DIFFERENCE_BOUND = 1e-6
LOOSER = (4.0, 16.0)


def conditioning(run: Run, gradient: Mapping[str, Array]) -> float:
    """Relative change of the gradient for a relative change of all values: the size of H v over that of g, at least 1."""
    along = {name: np.nan_to_num(array) for name, array in run.setting.bound.arrays.items()}
    moved = hessian_vector(run, along)
    ratios = [peak(moved[name]) / scale for name, scale in scales(gradient).items()]
    return max([1.0, *filter(np.isfinite, ratios)])


def resolution(run: Run, gradient: Mapping[str, Array]) -> float:
    """How far the gradient may move where steps fall elsewhere: four times the most that it moves at two looser tolerances.

    Far below every bound where the model is smooth. A step across a kink of the state knows the gradient to the order of its length only.
    """
    if run.settings.steps is not None:
        return 0.0
    moved = (_loosened(run, factor) for factor in LOOSER)
    return 4 * max(relative_difference(found, gradient) for found in moved)


def _loosened(run: Run, factor: float) -> dict[str, Array]:
    settings = replace(run.settings, rtol=factor * run.settings.rtol, atol=factor * run.settings.atol)
    return DiscreteAdjoint().gradients(solve_setting(run.setting, settings))

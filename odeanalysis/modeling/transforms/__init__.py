"""Transforms of models and problems, by the names that model files use."""

from odeanalysis.modeling.transforms.flow import TRANSFORM as _FLOW
from odeanalysis.modeling.transforms.flow import flow
from odeanalysis.modeling.transforms.galerkin import TRANSFORM as _GALERKIN
from odeanalysis.modeling.transforms.galerkin import galerkin
from odeanalysis.modeling.transforms.regularize import TRANSFORM as _REGULARIZE
from odeanalysis.modeling.transforms.regularize import regularize
from odeanalysis.modeling.transforms.stacked import TRANSFORM as _STACKED
from odeanalysis.modeling.transforms.stacked import stacked
from odeanalysis.modeling.transforms.transform import Transform

TRANSFORMS: dict[str, Transform] = {
    "galerkin": _GALERKIN,
    "stacked": _STACKED,
    "flow": _FLOW,
    "regularize": _REGULARIZE,
}

__all__ = ["TRANSFORMS", "Transform", "flow", "galerkin", "regularize", "stacked"]

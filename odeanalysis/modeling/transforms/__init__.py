"""Transforms of models and problems, by the names that model files use."""

from odeanalysis.modeling.transforms.augment import TRANSFORM as _AUGMENT
from odeanalysis.modeling.transforms.augment import augment, input_layer, structured_augmentation, zero_augmentation
from odeanalysis.modeling.transforms.data_control import TRANSFORM as _DATA_CONTROL
from odeanalysis.modeling.transforms.data_control import data_control
from odeanalysis.modeling.transforms.flow import TRANSFORM as _FLOW
from odeanalysis.modeling.transforms.flow import flow
from odeanalysis.modeling.transforms.galerkin import TRANSFORM as _GALERKIN
from odeanalysis.modeling.transforms.galerkin import galerkin
from odeanalysis.modeling.transforms.higher_order import TRANSFORM as _HIGHER_ORDER
from odeanalysis.modeling.transforms.higher_order import higher_order
from odeanalysis.modeling.transforms.regularize import TRANSFORM as _REGULARIZE
from odeanalysis.modeling.transforms.regularize import regularize
from odeanalysis.modeling.transforms.stacked import TRANSFORM as _STACKED
from odeanalysis.modeling.transforms.stacked import stacked
from odeanalysis.modeling.transforms.transform import Transform

TRANSFORMS: dict[str, Transform] = {
    "galerkin": _GALERKIN,
    "stacked": _STACKED,
    "augment": _AUGMENT,
    "higher_order": _HIGHER_ORDER,
    "data_control": _DATA_CONTROL,
    "flow": _FLOW,
    "regularize": _REGULARIZE,
}

__all__ = [
    "TRANSFORMS",
    "Transform",
    "augment",
    "data_control",
    "flow",
    "galerkin",
    "higher_order",
    "input_layer",
    "regularize",
    "stacked",
    "structured_augmentation",
    "zero_augmentation",
]

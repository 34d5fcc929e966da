"""Transforms of models and problems, by the names that model files use."""

from odeanalysis.modeling.transforms.adaptive_depth import TRANSFORM as _ADAPTIVE_DEPTH
from odeanalysis.modeling.transforms.adaptive_depth import adaptive_depth
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
from odeanalysis.modeling.transforms.total_jacobian import TRANSFORM as _TOTAL_JACOBIAN
from odeanalysis.modeling.transforms.total_jacobian import log_abs_det, total_jacobian
from odeanalysis.modeling.transforms.transform import Transform
from odeanalysis.modeling.transforms.unit_domain import TRANSFORM as _UNIT_DOMAIN
from odeanalysis.modeling.transforms.unit_domain import unit_domain

TRANSFORMS: dict[str, Transform] = {
    "galerkin": _GALERKIN,
    "stacked": _STACKED,
    "augment": _AUGMENT,
    "higher_order": _HIGHER_ORDER,
    "data_control": _DATA_CONTROL,
    "adaptive_depth": _ADAPTIVE_DEPTH,
    "flow": _FLOW,
    "total_jacobian": _TOTAL_JACOBIAN,
    "regularize": _REGULARIZE,
    "unit_domain": _UNIT_DOMAIN,
}

__all__ = [
    "TRANSFORMS",
    "Transform",
    "adaptive_depth",
    "augment",
    "data_control",
    "flow",
    "galerkin",
    "higher_order",
    "input_layer",
    "log_abs_det",
    "regularize",
    "stacked",
    "structured_augmentation",
    "total_jacobian",
    "unit_domain",
    "zero_augmentation",
]

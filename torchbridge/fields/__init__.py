"""Fields made of modules: every wrapper is a module for `NeuralODE(field)`, or stands beside one.

Galerkin, Stacked            parameters that vary with depth
DepthConcat, DataControl     fields that see depth and data
HigherOrder                  fields that state a higher derivative
Sequential                   layers, of which some take depth or data
Augmented, Projected         into more coordinates, and back
AdaptiveDepth                depths of every sample's own
Flow, Regularizer            log-determinants and costs on the field, beside the state
"""

from torchbridge.fields.adaptive_depth import AdaptiveDepth
from torchbridge.fields.augmented import Augmented, Projected, input_layer
from torchbridge.fields.data_control import DataControl
from torchbridge.fields.depth_concat import DepthConcat
from torchbridge.fields.flow import Divergence, Flow
from torchbridge.fields.galerkin import Galerkin
from torchbridge.fields.higher_order import HigherOrder
from torchbridge.fields.noise import Noise
from torchbridge.fields.regularize import Regularizer
from torchbridge.fields.sequential import Sequential
from torchbridge.fields.stacked import Stacked

__all__ = [
    "AdaptiveDepth",
    "Augmented",
    "DataControl",
    "DepthConcat",
    "Divergence",
    "Flow",
    "Galerkin",
    "HigherOrder",
    "Noise",
    "Projected",
    "Regularizer",
    "Sequential",
    "Stacked",
    "input_layer",
]

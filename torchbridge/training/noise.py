"""The generators that the modules of a network draw from by themselves."""

import torch
from torch import nn

from torchbridge.fields.noise import Noise


def generators(module: nn.Module) -> list[torch.Generator]:
    """Those that are attributes of modules, or of the noise of fields; each once, in the order of the modules."""
    values = (value for one in module.modules() for value in vars(one).values())
    found = (value.generator if isinstance(value, Noise) else value for value in values)
    return list({id(one): one for one in found if isinstance(one, torch.Generator)}.values())

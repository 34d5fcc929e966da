"""The parameters of any layer as functions of depth: theta(s) = sum_j alpha_j psi_j(s).

Source: Massaroli et al. 2020, Sec. 3 (spectral discretisation) and Cor. 1.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from odeanalysis.errors import ModelError
from odeanalysis.modeling import tables
from odeanalysis.modeling.bases.basis import Basis
from torchbridge.fields.basis import Functions
from torchbridge.fields.wrapped import arguments
from torchbridge.modules.callables import arity
from torchbridge.steps.segments import Segment, current, within

Bases = Basis | Mapping[str, Basis]


class Galerkin(nn.Module):
    """A layer, or a whole network, whose parameters vary with depth: f(s, z), or f(s, z, x) where the layer takes data.

        theta(s) = sum_j theta[j] psi_j(s)

    layer: a module l(z), l(s, z) or l(s, z, x), which is copied; in the copy a parameter keeps its name and gains a leading axis `terms`,
    its coefficients. They start where theta(s) is the layer's own value at all depths, as nearly as the basis can be constant.
    basis: one basis of `odeanalysis`, or name -> basis, each for one parameter; equal ones are evaluated once for a call.
    parameters: the names of those that vary (default: all), as `layer.named_parameters()` has them.
    domain: what the bases are stated for.  values: first values of symbols in the bases (a period, knots), which are learned then.
    Where samples have depths of their own, the layer runs on each sample with its own parameters (`torch.func.vmap`).
    Raises ModelError for unknown parameters and layers without any, and as `Functions` does.
    """

    def __init__(
        self,
        layer: nn.Module,
        basis: Bases,
        parameters: Iterable[str] | None = None,
        *,
        domain: tuple[float, float] = (0.0, 1.0),
        values: Mapping[str, float] | None = None,
    ):
        super().__init__()
        chosen = _chosen(layer, basis, parameters)
        distinct = list(dict.fromkeys(chosen.values()))
        self.layer, self.arity = deepcopy(layer), arity(layer, "the layer")
        self.takes_data = self.arity == 3
        functions = [Functions(one, domain, values or {}) for one in distinct]
        _check_used(values or {}, functions)
        self.functions = nn.ModuleList(functions)
        self.which = {name: distinct.index(one) for name, one in chosen.items()}
        for name, i in self.which.items():
            _expand(self.layer, name, _constant(functions[i]))

    def at(self, s: Tensor) -> dict[str, Tensor]:
        """theta(s) by name, for depths [] or [m]: its own shape, or [m, ...]."""
        found = [one(s) for one in self.functions]
        return {name: _combined(found[i], _coefficients(self.layer, name)) for name, i in self.which.items()}

    def forward(self, s: Tensor, z: Tensor, x: Tensor | None = None) -> Tensor:
        depths = s.flatten() if s.ndim else s
        weights = self.at(depths)
        return self._called(weights, s, z, x) if s.ndim == 0 else self._each(weights, depths, z, x)

    def _called(self, weights: dict[str, Tensor], s: Tensor, z: Tensor, x: Tensor | None) -> Tensor:
        return functional_call(self.layer, weights, arguments(self.arity, s, z, x))

    def _each(self, weights: dict[str, Tensor], s: Tensor, z: Tensor, x: Tensor | None) -> Tensor:
        """Every sample with its own parameters."""
        segment = current()
        pieces = None if segment is None else torch.stack([torch.as_tensor(end).to(s) for end in (segment.start, segment.end)], 1)

        def one(weights: dict[str, Tensor], s: Tensor, z: Tensor, x: Tensor | None, pieces: Tensor | None) -> Tensor:
            with within(None if pieces is None else Segment(pieces[0], pieces[1])):
                return self._called(weights, s, z[None], None if x is None else x[None])[0]

        axes = (0, 0, 0, None if x is None else 0, None if pieces is None else 0)
        return torch.func.vmap(one, axes, randomness="different")(weights, s, z, x, pieces)


def _chosen(layer: nn.Module, basis: Bases, parameters: Iterable[str] | None) -> dict[str, Basis]:
    """The basis of each parameter that varies."""
    if not isinstance(layer, nn.Module):
        raise ModelError(f"Galerkin makes the parameters of a module vary with depth, got {type(layer).__name__}; give an nn.Module")
    if isinstance(basis, Mapping) and parameters is not None:
        raise ModelError("Galerkin has bases by name and a list of parameters; give one basis for a list, or the bases by name alone")
    known = dict(layer.named_parameters())
    named = basis if isinstance(basis, Mapping) else dict.fromkeys(known if parameters is None else parameters, basis)
    found = dict(named)
    for name in found:
        if name not in known:
            raise ModelError(f"{name!r} is no parameter of {type(layer).__name__}; {tables.suggestion(name, known)}")
    if not found:
        raise ModelError(f"Galerkin of {type(layer).__name__}, of which no parameter varies; give a layer with parameters and name some")
    return found


def _check_used(values: Mapping[str, float], functions: list[Functions]) -> None:
    known = {name for one in functions for name in one.values}
    for name in values.keys() - known:
        raise ModelError(f"values has {name!r}, which no basis contains; there are {', '.join(sorted(known)) or 'no symbols in them'}")


def _constant(functions: Functions) -> Tensor:
    """The coefficients of 1, [J], by least squares over the domain."""
    points = torch.linspace(*functions.domain, 16 * functions.basis.terms + 1, dtype=torch.float64)
    with torch.no_grad():
        seen = functions(points).numpy()
    return torch.as_tensor(np.linalg.lstsq(seen, np.ones(len(seen)), rcond=None)[0])


def _expand(layer: nn.Module, name: str, constant: Tensor) -> None:
    """A leading axis of coefficients for a parameter, wherever the layer has it."""
    old = layer.get_parameter(name)
    new = nn.Parameter(torch.tensordot(constant.to(old), old.detach(), 0), old.requires_grad)
    places = [place for place, one in layer.named_parameters(remove_duplicate=False) if one is old]
    for place in places:
        owner, _, key = place.rpartition(".")
        layer.get_submodule(owner).register_parameter(key, new)


def _coefficients(layer: nn.Module, name: str) -> Tensor:
    """A parameter, or the tensor that stands in its place for a call."""
    owner, _, key = name.rpartition(".")
    return getattr(layer.get_submodule(owner), key)


def _combined(functions: Tensor, coefficients: Tensor) -> Tensor:
    """sum_j psi_j alpha_j: [..., J] and [J, ...]."""
    flat = coefficients.reshape(len(coefficients), -1)
    return (functions.to(flat) @ flat).reshape(functions.shape[:-1] + coefficients.shape[1:])

"""A stated model as a module: its parameters are named after its blocks."""

import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import count as count_up
from typing import Any

import sympy as sp
import torch
from torch import Tensor, nn

from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Model, Objective, Observation, Problem
from odeanalysis.modeling.networks import networks as stated_networks
from odeanalysis.modeling.networks import weights_name
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.rewrite import leaves
from torchbridge.modules.full_precision import full_precision
from torchbridge.modules.initial_values import initial_values
from torchbridge.modules.neural_ode import NeuralODE
from torchbridge.modules.settings import Solver
from torchbridge.networks import bind, has_parameters, weights_of
from torchbridge.problems.solving import Solved, solve

States = Tensor | dict[str, Tensor]
Depths = Sequence[float] | Tensor
NOTHING = torch.zeros((), dtype=torch.float64)  # what tells dtype and device where neither parameters nor inputs do


class StatedODE(NeuralODE, accepts=lambda model: isinstance(model, (Model, Problem))):
    """A neural ODE of a stated model or problem.

    model: a `Model`, or a `Problem` whose objective `loss` then computes.  values: first values of parameters by name; the others are
    drawn, see `initial_values`.  sizes: lengths of symbolic sizes.  dtype: of the parameters (default: torch's).  options: `Solver`'s.
    networks: name -> module of the model's opaque networks, which become modules of this one.
    Raises ModelError for values that do not fit, for names that a module cannot have, and as `Solver` does; TargetError for a network that
    is bound to nothing.
    """

    def __init__(
        self,
        model: Model | Problem,
        *,
        values: Mapping[str, Any] | None = None,
        sizes: Mapping[Any, int] | None = None,
        dtype: torch.dtype | None = None,
        networks: Mapping[str, nn.Module] | None = None,
        **options: Any,
    ):
        super().__init__()
        self.problem = model if isinstance(model, Problem) else Problem(model, Objective())
        self.solver = Solver(**options)
        self._replay = self.solver.recorder()
        self._last: dict[str, Any] = {}
        _warn_unused(self.problem)
        held = _vectors(self.problem, networks or {})
        drawn = initial_values(self.problem, values or {}, sizes or {}, dtype or torch.get_default_dtype(), held)
        for name, value in drawn.items():
            self.register_parameter(self._free(name, "parameter"), nn.Parameter(value))
        for name, module in (networks or {}).items():
            self.add_module(self._free(name, "network"), module)

    def _free(self, name: str, what: str) -> str:
        if hasattr(self, name) or "." in name:
            raise ModelError(f"{what} {name!r} of {self.problem.name!r} has a name that torch modules use themselves; rename it")
        return name

    def forward(self, *inputs: Any, at: Depths | None = None, **named: Any) -> States:
        """The states at S, or at depths.

        inputs: the model's inputs in order, or by name, each with a leading batch axis or without.  at: depths to give the states at, in
        any order, as numbers or as a tensor [m] or [B, m], which then receives gradients.
        Returns the state [B, ...], or with `at` [m, B, ...]; by name where there are several.
        """
        problem, depths = seen_at(self.problem.model, at)
        solved = self._solve(problem, self._inputs(inputs, named), depths)
        blocks = solved.final if at is None else solved.observed(0)
        return next(iter(blocks.values())) if len(blocks) == 1 else blocks

    def loss(self, *inputs: Any, **named: Any) -> Tensor:
        """The objective, reduced over the batch as the problem says: inputs as in `forward`, observation data by name."""
        return self._solve(self.problem, self._inputs(inputs, named)).value

    def losses(self, *inputs: Any, **named: Any) -> Tensor:
        """The objective of each sample, [B]."""
        return self._solve(self.problem, self._inputs(inputs, named)).losses

    @property
    def statistics(self) -> dict[str, Any]:
        return self._last

    def extra_repr(self) -> str:
        return f"{self.problem.name!r}, {self.solver}"

    @full_precision
    def _solve(self, problem: Problem, inputs: Mapping[str, Any], depths: Mapping[str, Tensor] | None = None) -> Solved:
        modules = {name: self.get_submodule(name) for name in stated_networks(problem)}
        vectors = {weights_name(name): weights_of(one) for name, one in modules.items() if has_parameters(one)}
        values = {**dict(self.named_parameters(recurse=False)), **vectors, **inputs}
        like = next((one for one in values.values() if isinstance(one, Tensor) and one.is_floating_point()), NOTHING)
        beside = {name: depth.to(like) for name, depth in (depths or {}).items()}
        chosen = self.solver
        settings = chosen.settings(like.dtype)
        how = {"own_steps": chosen.own_steps, "throw": chosen.throw, "target": chosen.target, "replay": self._replay, "networks": modules}
        found = solve(problem, {**values, **beside}, settings, chosen.sensitivity, **how)
        self._last = {**found.statistics, **(self._replay.counts if self._replay else {})}
        return found

    def _inputs(self, inputs: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        wanted = [leaf.name for leaf in self.problem.model.inputs]
        if len(inputs) > len(wanted):
            raise ModelError(f"{len(inputs)} inputs for {self.problem.name!r}, which has {len(wanted)}: {', '.join(wanted) or 'none'}")
        found = dict(zip(wanted, inputs, strict=False))
        twice = found.keys() & named.keys()
        if twice:
            raise ModelError(f"input {min(twice)!r} of {self.problem.name!r} is given twice; give it by place or by name")
        return {**found, **named}


def _vectors(problem: Problem, modules: Mapping[str, nn.Module]) -> set[str]:
    """The names of parameters that are those of modules, as vectors."""
    bind(problem, modules)
    found = {weights_name(name) for name, module in modules.items() if has_parameters(module)}
    known = {leaf.name for leaf in problem.model.parameters if len(shape_of(leaf)) == 1}
    if not found <= known:
        raise ModelError(
            f"{min(found - known)!r} is no vector among the parameters of {problem.name!r}; declare it there as it is (network.weights), "
            "or give torchbridge.solve the values of what it is made of"
        )
    return found


def seen_at(model: Model, at: Depths | None) -> tuple[Problem, dict[str, Tensor]]:
    """The model with a look at depths, and the values of these depths where they are a tensor."""
    if at is None:
        return _unseen(model), {}
    if not isinstance(at, Tensor):
        return _seen(model, _numbers(at)), {}
    if at.ndim not in (1, 2):
        raise ModelError(f"at has shape {tuple(at.shape)}; give depths [m], or [B, m] for depths of each sample's own")
    depths = _depth_names(model, at.shape[-1])
    return _seen_at_names(model, depths), {depth.name: at[..., i] for i, depth in enumerate(depths)}


def _numbers(at: Sequence[float]) -> tuple[float, ...]:
    try:
        return tuple(map(float, at))
    except TypeError as error:
        raise ModelError(f"at is {at!r}; give a list of depths, or a tensor [m] or [B, m]") from error


@lru_cache(maxsize=64)
def _unseen(model: Model) -> Problem:
    return Problem(model, Objective())


@lru_cache(maxsize=64)
def _seen(model: Model, at: tuple[float, ...]) -> Problem:
    return Problem(model, Objective(observations=(Observation(at, 0),)))


@lru_cache(maxsize=64)
def _seen_at_names(model: Model, depths: tuple[sp.Symbol, ...]) -> Problem:
    return Problem(model.with_(inputs=(*model.inputs, *depths)), Objective(observations=(Observation(depths, 0),)))


def _depth_names(model: Model, count: int) -> tuple[sp.Symbol, ...]:
    """Inputs for depths, under names that the model does not use."""
    taken = {leaf.name for leaf in (*model.states, *model.names, *model.varying, model.depth)}
    free = (name for name in (f"seen_at_{i}" for i in count_up()) if name not in taken)
    return tuple(sp.Symbol(next(free), real=True) for _ in range(count))


def _warn_unused(problem: Problem) -> None:
    """Parameters that appear nowhere: they have gradients of 0, and are most likely a slip."""
    model, objective = problem.model, problem.objective
    stated = [value for _, value in (*model.field, *model.initial, *model.functions)]
    stated += [*model.domain, *model.breakpoints, *(node for nodes in model.nodes for node in nodes)]
    stated += [objective.terminal, objective.running, *(one.cost for one in objective.observations)]
    stated += [depth for one in objective.observations for depth in one.at]
    unused = [leaf.name for leaf in model.parameters if leaf not in leaves(*stated)]
    if unused:
        warnings.warn(
            f"parameters {', '.join(map(repr, unused))} of {problem.name!r} appear in no expression: their gradients are 0; "
            "remove them, or use them",
            stacklevel=4,
        )

"""`Model` (equation 1), `Objective` (equation 2) and `Problem` (equation 3): frozen, and valid once they exist."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks, properties
from odeanalysis.modeling.properties import Property
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.shapes import show, size_of

Pairs = Mapping[Any, Any] | Iterable[tuple[Any, Any]]
REDUCTIONS = ("mean", "sum")


@dataclass(frozen=True)
class Model:
    """A continuous-depth model: z' = f(s, x, z, theta) on [s0, S], z(s0) = h(x, theta).

    field: state -> f, of the state's shape.  initial: state -> h; the depth's symbol means s0 there.
    domain: (s0, S), numbers or scalar expressions in parameters and inputs; it may run backward or have length zero.
    parameters, inputs: symbols and blocks.  functions: depth-varying name -> expression in depth, parameters and inputs.
    breakpoints: depths at which the field may jump, beside those read off its conditions.  depth: the depth's symbol.
    nodes: sequences of depths (numbers or expressions in parameters and inputs), each increasing and containing the domain of every sample.
    Raises ModelError, naming the model, the key and the shapes.
    """

    field: Pairs
    initial: Pairs
    domain: tuple[Any, Any]
    parameters: Sequence[Leaf] = ()
    inputs: Sequence[Leaf] = ()
    functions: Pairs = ()
    breakpoints: tuple[Any, ...] = ()
    depth: sp.Symbol = ex.depth
    name: str = "model"
    nodes: tuple[tuple[Any, ...], ...] = ()

    def __post_init__(self) -> None:
        for key, value in _model_parts(self).items():
            object.__setattr__(self, key, value)

    @property
    def states(self) -> tuple[Leaf, ...]:
        return tuple(state for state, _ in self.field)

    @property
    def names(self) -> tuple[Leaf, ...]:
        """Everything that values are given for: parameters, then inputs."""
        return (*self.parameters, *self.inputs)

    @property
    def varying(self) -> tuple[Leaf, ...]:
        """The depth-varying names."""
        return tuple(name for name, _ in self.functions)

    def with_(self, **changes: Any) -> "Model":
        """The same model with other parts."""
        return replace(self, **changes)


def _model_parts(model: Model) -> dict[str, Any]:
    name = checks.title(model.name)
    depth = checks.symbol(model.depth, "the depth")
    parameters = _leaves(model, "parameters", "parameter")
    inputs = _leaves(model, "inputs", "input")
    states = tuple(checks.leaf(state, "state") for state, _ in checks.pairs(model.field, f"field of {name!r}"))
    if not states:
        raise ModelError(f"{model.name!r} has no state; give one equation under field for each state")
    if all(size_of(shape_of(state)) == 0 for state in states):
        listed = ", ".join(map(describe, states))
        raise ModelError(f"the states of {name!r} have no entries: {listed}; give at least one of them a shape without 0")
    checks.distinct({"a state": states, "a parameter": parameters, "an input": inputs}, depth, model.name)
    constant = parameters + inputs
    functions = _functions(model, (depth, *constant))
    moving = (depth, *constant, *(name for name, _ in functions))
    return {
        "name": name,
        "depth": depth,
        "parameters": parameters,
        "inputs": inputs,
        "functions": functions,
        "field": _equations(model, "field", model.field, states, (*states, *moving)),
        "initial": _equations(model, "initial", model.initial, states, moving),
        "domain": _domain(model, constant),
        "breakpoints": _depths(model, "breakpoints", model.breakpoints, constant),
        "nodes": tuple(_depths(model, "nodes", one, constant) for one in checks.items(model.nodes, f"nodes of {name!r}")),
    }


def _leaves(model: Model, key: str, what: str) -> tuple[Leaf, ...]:
    return tuple(checks.leaf(name, what) for name in checks.items(getattr(model, key), f"{key} of {model.name!r}"))


def _functions(model: Model, known: tuple[Leaf, ...]) -> tuple[tuple[Leaf, Any], ...]:
    given = checks.pairs(model.functions, f"functions of {model.name!r}")
    named = {checks.leaf(name, "function"): value for name, value in given}
    states = {checks.leaf(state, "state") for state, _ in checks.pairs(model.field, "field")}
    for name in named:
        if name in known or name in states:
            raise ModelError(f"functions of {model.name!r} names {describe(name)}, which is declared already; rename one of them")
    return tuple((name, _checked(model, f"function {name.name!r}", value, name, known, _named(model))) for name, value in named.items())


def _named(model: Model) -> str:
    return f"no parameter or input of {model.name!r}; declare it under parameters or inputs"


def _checked(model: Model, where: str, value: Any, like: Any, known: Iterable[Leaf], declare: str) -> Any:
    return checks.expression(value, shape_of(like), known, f"{where} of {model.name!r}", declare)


def _scalar(model: Model, where: str, value: Any, known: Iterable[Leaf], declare: str) -> Any:
    return checks.expression(value, (), known, f"{where} of {model.name!r}", declare)


def _equations(model: Model, part: str, value: Pairs, states: tuple[Leaf, ...], known: tuple[Leaf, ...]) -> tuple[tuple[Leaf, Any], ...]:
    where = f"{part} of {model.name!r}"
    given: dict[Leaf, Any] = {}
    for name, expression in checks.pairs(value, where):
        state = checks.leaf(name, "state")
        if state not in states:
            raise ModelError(f"{where} has an entry for {state.name!r}, which is no state; declare it or remove it")
        if state in given:
            raise ModelError(f"{where} has two entries for {state.name!r}; keep one")
        given[state] = expression
    missing = [state.name for state in states if state not in given]
    if missing:
        raise ModelError(f"{where} has no entry for state {', '.join(map(repr, missing))}; add one for each state")
    declare = "no state, parameter or input; declare it under parameters or inputs"
    if part == "initial":
        declare = "no parameter or input; the initial value may use those and the depth only"
    return tuple((state, _checked(model, f"{part} {state.name!r}", given[state], state, known, declare)) for state in states)


def _domain(model: Model, constant: tuple[Leaf, ...]) -> tuple[Any, Any]:
    ends = checks.items(model.domain, f"domain of {model.name!r}")
    if len(ends) != 2:
        raise ModelError(f"domain of {model.name!r} has {len(ends)} entries; give its two ends (s0, S)")
    start, end = (_scalar(model, "domain", value, constant, _named(model)) for value in ends)
    return start, end


def _depths(model: Model, key: str, value: Any, constant: tuple[Leaf, ...]) -> tuple[Any, ...]:
    given = checks.items(value, f"{key} of {model.name!r}")
    return tuple(_scalar(model, key, depth, constant, _named(model)) for depth in given)


@dataclass(frozen=True)
class Observation:
    """A cost at inner depths: sum_i cost(s_i, z(s_i), data_i).

    at: depths inside the domain, numbers or expressions in parameters and inputs, in any order, repeats allowed.  data: names whose
    values carry a leading axis of length len(at); NaN there means not observed.  cost: a scalar; the depth's symbol means s_i.
    """

    at: tuple[Any, ...]
    cost: Any
    data: tuple[Leaf, ...] = ()


@dataclass(frozen=True)
class Objective:
    """The loss of one sample: terminal(S, z(S)) + int running(s, z(s)) ds + the observations' costs."""

    terminal: Any = 0
    running: Any = 0
    observations: tuple[Observation, ...] = ()


@dataclass(frozen=True)
class Problem:
    """A model with an objective: minimise the mean (or the sum) of the loss over the samples.

    ranges: name -> (low, high), where random values are drawn and fits are bounded.
    claims: what its solutions are claimed to do, stated by `conserved`, `positive`, ...; kept in the order of the kinds.
    one_way: whether a running cost would be a reward on a domain that runs backward: a solve then warns. It is no part of what is stated.
    """

    model: Model
    objective: Objective
    reduction: str = "mean"
    ranges: Pairs = field(default=())
    claims: Sequence[Property] = ()
    one_way: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.model, Model) or not isinstance(self.objective, Objective):
            given = f"{type(self.model).__name__} and {type(self.objective).__name__}"
            raise ModelError(f"a problem is made of a Model and an Objective, got {given}; give Problem(model, objective)")
        if self.reduction not in REDUCTIONS:
            raise ModelError(f"reduction is {self.reduction!r}; use one of {', '.join(REDUCTIONS)}")
        object.__setattr__(self, "objective", _objective(self.model, self.objective))
        object.__setattr__(self, "ranges", _ranges(self))
        object.__setattr__(self, "claims", _claims(self))

    @property
    def data(self) -> tuple[Leaf, ...]:
        """The names of observation data, in order."""
        return tuple(name for observation in self.objective.observations for name in observation.data)

    @property
    def name(self) -> str:
        return self.model.name


def _objective(model: Model, objective: Objective) -> Objective:
    known = (model.depth, *model.states, *model.names, *model.varying)
    declare = f"no state, parameter or input of {model.name!r}; declare it"
    given = checks.items(objective.observations, f"objective.observations of {model.name!r}")
    observations = tuple(_observation(model, one, known) for one in given)
    data = [leaf for one in observations for leaf in one.data]
    named = {"a state": model.states, "a name of the model": model.names, "observation data": data}
    checks.distinct(named, model.depth, model.name)
    return Objective(
        _scalar(model, "objective.terminal", objective.terminal, known, declare),
        _scalar(model, "objective.running", objective.running, known, declare),
        observations,
    )


def _observation(model: Model, one: Observation, known: tuple[Leaf, ...]) -> Observation:
    where = f"objective.observations of {model.name!r}"
    if not isinstance(one, Observation):
        raise ModelError(f"{where} has the entry {one!r}; give Observation(at, cost, data)")
    data = tuple(checks.leaf(name, "observation data") for name in checks.items(one.data, f"data in {where}"))
    constant = "no parameter or input; an observation's depth may use those only"
    depths = checks.items(one.at, f"'at' in {where}")
    at = tuple(_scalar(model, "objective.observations 'at'", depth, model.names, constant) for depth in depths)
    if not at:
        raise ModelError(f"{where} has no depths; list them under 'at'")
    _check_inside(model, at)
    declare = f"no state, parameter, input or data of {model.name!r}; declare it"
    return Observation(at, _scalar(model, "objective.observations 'cost'", one.cost, (*known, *data), declare), data)


def _check_inside(model: Model, at: tuple[Any, ...]) -> None:
    """Depths that are numbers lie in a domain of numbers; all others are checked when values are known."""
    start, end = model.domain
    if not (start.is_number and end.is_number):
        return
    for depth in at:
        if depth.is_number and bool((depth - start) * (depth - end) > 0):
            raise ModelError(
                f"objective.observations of {model.name!r}: depth {float(depth)} lies outside the domain "
                f"[{float(start)}, {float(end)}]; move it inside, or make the domain longer"
            )


def _ranges(problem: Problem) -> tuple[tuple[str, tuple[float, float]], ...]:
    known = {leaf.name for leaf in (*problem.model.names, *problem.data)}
    where = f"ranges of {problem.name!r}"
    found: dict[str, tuple[float, float]] = {}
    for key, bounds in checks.pairs(problem.ranges, where):
        name = key if isinstance(key, str) else checks.leaf(key, "range").name
        if name not in known:
            raise ModelError(f"{where} names {name!r}, which is no parameter, input or data; declare it or remove it")
        if name in found:
            raise ModelError(f"{where} names {name!r} twice; keep one")
        found[name] = checks.interval(bounds, f"{where}: {name!r}")
    return tuple(found.items())


def _claims(problem: Problem) -> tuple[Property, ...]:
    model, where = problem.model, f"claims of {problem.name!r}"
    along = (model.depth, *model.states, *model.names, *model.varying)
    return properties.checked(checks.items(problem.claims, where), where, model.states, along, model.names)


def describe(name: Leaf) -> str:
    """A name with its shape, as messages show it."""
    return f"{name.name!r} of shape {show(shape_of(name))}"

"""Model files: a TOML document becomes a `Problem`. Loading runs nothing: expressions go through our own grammar."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sympy as sp

from odeanalysis.errors import DerivationError, ModelError
from odeanalysis.modeling import checks, files, properties, tables
from odeanalysis.modeling.model import Model, Objective, Observation, Problem
from odeanalysis.modeling.properties import Property
from odeanalysis.modeling.transforms import TRANSFORMS
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.language import parse
from odeanalysis.symbolic.nodes import Leaf

FILE_LIMIT = 2**20
NAME_LIMIT = 10_000
DECLARATIONS = {"state": "a state", "parameters": "a parameter", "inputs": "an input"}
EQUATIONS = ("field", "initial")
KEYS = ("name", "depth", "domain", "breakpoints", *DECLARATIONS, "ranges", *EQUATIONS, "objective", "claims", "transforms")
OBJECTIVE_KEYS = ("running", "terminal", "observations")
OBSERVATION_KEYS = ("at", "data", "cost")
EXPRESSION = 'write a number, or an expression as a string, such as "concat(1, 2)"'
PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def read(path: str | Path) -> Problem:
    """The problem that a model file states; its name is the file's stem where the file gives none.

    Raises ModelError (LanguageError for an expression) naming the file and the key, or for malformed TOML the line.
    """
    file = Path(path)
    content = files.content(file, "a model file", FILE_LIMIT + 1)
    return _load(files.decoded(content, str(file)), file.stem, str(file))


def loads(text: str, name: str = "model") -> Problem:
    """The problem that a TOML text states; `name` is its name where the text gives none. Raises as `read` does."""
    return _load(text, name, name)


def _load(text: str, name: str, file: str) -> Problem:
    document = _document(text, file)
    with _located(file):
        return _problem(document, name)


def _document(text: str, file: str) -> dict[str, Any]:
    if len(text) > FILE_LIMIT:
        raise ModelError(f"{file} is longer than {FILE_LIMIT} characters; keep values in a file of their own")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(_malformed(text, file, str(error))) from error
    except RecursionError as error:
        raise ModelError(f"{file} nests arrays or tables too deeply; no key needs more than three levels") from error
    except ValueError as error:  # the one that is no TOMLDecodeError: a whole number of thousands of digits
        raise ModelError(f"{file} has a number that is too long to be read: {error}; shorten it") from error


def _malformed(text: str, file: str, message: str) -> str:
    lines = text.splitlines() or [""]
    found = PLACE.fullmatch(message)
    reason = found[1] if found else message
    row, column = (int(found[2]), int(found[3])) if found and found[2] else (len(lines), len(lines[-1]) + 1)
    shown = tables.show(lines[min(row, len(lines)) - 1].strip())
    return f"{file}, line {row}, column {column}: this is not TOML: {reason}; correct the line {shown}"


@contextmanager
def _located(file: str) -> Iterator[None]:
    try:
        yield
    except (ModelError, DerivationError) as error:
        raise type(error)(f"{file}: {error}") from error


@dataclass(frozen=True)
class _Scope:
    """The names that expressions may use."""

    names: Mapping[str, Leaf]

    def expression(self, value: Any, where: str, more: Iterable[Leaf] = ()) -> Any:
        """A string or a number as an expression, which may use more names."""
        if isinstance(value, str):
            return parse(value, self.with_(more).names, key=where)
        if isinstance(value, (list, dict)):
            raise ModelError(f"{where} is {tables.kind(value)}; {EXPRESSION}")
        return ex.as_expression(tables.number(value, where))

    def all(self, values: Iterable[Any], where: str) -> tuple[Any, ...]:
        return tuple(self.expression(value, f"{where}[{i}]") for i, value in enumerate(values))

    def with_(self, leaves: Iterable[Leaf]) -> "_Scope":
        return _Scope({**self.names, **{leaf.name: leaf for leaf in leaves}})


def _scope(model: Model) -> _Scope:
    """The names of a model; one that varies with depth stands for its value there."""
    return _Scope({}).with_((model.depth, *model.states, *model.names, *model.varying))


def _problem(document: dict[str, Any], name: str) -> Problem:
    tables.only(document, KEYS, "the file")
    declared = {key: _declared(document, key) for key in DECLARATIONS}
    title = checks.title(tables.text(document.get("name", name), "name", '"predator_prey"'))
    model = _model(document, declared, title)
    transforms = _transforms(document)
    model = _applied(model, transforms, "model")
    problem = Problem(model, _objective(document, model), ranges=_ranges(document), claims=_claims(document, model))
    return _applied(problem, transforms, "problem", states=list(declared["state"]))


# ---------------------------------------------------------------- the model


def _declared(document: dict[str, Any], key: str) -> dict[str, Leaf]:
    """The names under [state], [parameters] or [inputs], with their shapes."""
    return _leaves(tables.table(document.get(key, {}), key), key)


def _leaves(given: Mapping[str, Any], where: str) -> dict[str, Leaf]:
    if len(given) > NAME_LIMIT:
        raise ModelError(f"{where} declares {len(given)} names, more than {NAME_LIMIT}; gather them into arrays")
    return {name: ex.block(name, *tables.shape(shape, f"{where}.{name}")) for name, shape in given.items()}


def _model(document: dict[str, Any], declared: dict[str, dict[str, Leaf]], name: str) -> Model:
    states, parameters, inputs = declared.values()
    depth = sp.Symbol(tables.text(document.get("depth", "s"), "depth", '"t"'), real=True)
    if not states:
        raise ModelError("the file has no state; declare each under [state] with its shape, its equation under [field]")
    checks.distinct({what: declared[key].values() for key, what in DECLARATIONS.items()}, depth, name)
    scope = _Scope({}).with_((depth, *states.values(), *parameters.values(), *inputs.values()))
    ends = tables.pair(tables.required(document, "domain", "the file", "domain = [0, 1]"), "domain", "[0, 1]")
    start, end = scope.all(ends, "domain")
    breakpoints = tables.items(document.get("breakpoints", []), "breakpoints", "[0.5, 1]")
    return Model(
        field=_equations(document, "field", states, scope),
        initial=_equations(document, "initial", states, scope),
        domain=(start, end),
        parameters=tuple(parameters.values()),
        inputs=tuple(inputs.values()),
        breakpoints=scope.all(breakpoints, "breakpoints"),
        depth=depth,
        name=name,
    )


def _equations(document: dict[str, Any], key: str, states: Mapping[str, Leaf], scope: _Scope) -> dict[Leaf, Any]:
    """One expression for each state, in the order of [state]."""
    given = tables.table(tables.required(document, key, "the file", f"[{key}] with one expression for each state"), key)
    for name in given:
        if name not in states:
            advice = tables.suggestion(name, states)
            raise ModelError(f"{key} has an entry for {tables.show(name)}, which is no state; {advice}")
    for name in states:
        if name not in given:
            raise ModelError(f'{key} has no entry for state {name!r}; add {name} = "..." under [{key}]')
    return {leaf: scope.expression(given[name], f"{key}.{name}") for name, leaf in states.items()}


def _ranges(document: dict[str, Any]) -> dict[str, tuple[float, float]]:
    given = tables.table(document.get("ranges", {}), "ranges")
    return {name: tables.interval(value, f"ranges.{name}") for name, value in given.items()}


def _claims(document: dict[str, Any], model: Model) -> list[Property]:
    given = tables.table(document.get("claims", {}), "claims")
    return properties.from_table(given, model.states, _scope(model).expression)


# ---------------------------------------------------------------- transforms


def _transforms(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each table under [[transforms]] with its place, known by kind and keys."""
    given = tables.items(document.get("transforms", []), "transforms", '[[transforms]] with kind = "galerkin"')
    return [_transform(one, f"transforms[{i}]") for i, one in enumerate(given)]


def _transform(value: Any, where: str) -> tuple[str, dict[str, Any]]:
    given = tables.table(value, where)
    kind = tables.text(tables.required(given, "kind", where, 'kind = "galerkin"'), f"{where}.kind", '"galerkin"')
    if kind not in TRANSFORMS:
        advice = tables.suggestion(kind, TRANSFORMS)
        raise ModelError(f"{where}.kind is {tables.show(kind)}, which is no transform; {advice}")
    tables.only(given, ("kind", *TRANSFORMS[kind].keys), f"{where} ({kind})")
    return where, given


def _applied(stated: Any, transforms: list[tuple[str, dict[str, Any]]], stage: str, **defaults: Any) -> Any:
    """A model after the transforms of models, or a problem after those of problems, in the order of the file."""
    for where, given in transforms:
        transform = TRANSFORMS[given["kind"]]
        if transform.stage == stage:
            known = {key: value for key, value in defaults.items() if key in transform.keys}
            model = stated.model if isinstance(stated, Problem) else stated
            stated = transform.from_table(stated, {**known, **given}, where, _scope(model).expression)
    return stated


# ---------------------------------------------------------------- the objective


def _objective(document: dict[str, Any], model: Model) -> Objective:
    advice = "[objective] with running, terminal or [[objective.observations]]"
    given = tables.table(tables.required(document, "objective", "the file", advice), "objective")
    tables.only(given, OBJECTIVE_KEYS, "objective")
    observations = tables.items(given.get("observations", []), "objective.observations", "[[objective.observations]]")
    if not observations and not {"running", "terminal"} & set(given):
        raise ModelError(f"objective has no part; add {advice}")
    scope = _scope(model)
    return Objective(
        terminal=scope.expression(given.get("terminal", 0), "objective.terminal"),
        running=scope.expression(given.get("running", 0), "objective.running"),
        observations=tuple(_observation(one, f"objective.observations[{i}]", model) for i, one in enumerate(observations)),
    )


def _observation(value: Any, where: str, model: Model) -> Observation:
    given, scope = tables.table(value, where), _scope(model)
    tables.only(given, OBSERVATION_KEYS, where)
    at = tables.items(tables.required(given, "at", where, "at = [0.5, 1]"), f"{where}.at", "[0.5, 1]")
    data = _leaves(tables.table(given.get("data", {}), f"{where}.data"), f"{where}.data").values()
    names = {"a name of the model": (*model.states, *model.names), "observation data": data}
    checks.distinct(names, model.depth, model.name)
    cost = tables.required(given, "cost", where, 'cost = "(z - seen)**2"')
    return Observation(
        at=scope.all(at, f"{where}.at"),
        cost=scope.with_(data).expression(cost, f"{where}.cost"),
        data=tuple(data),
    )

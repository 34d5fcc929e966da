"""What the transforms of model files share: how a table becomes a call, and names that are looked up with care."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks, tables
from odeanalysis.modeling.model import Model, describe
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.formula import Formula, formula
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import leaves, substitute
from odeanalysis.symbolic.shapes import Shape, show

Table = Mapping[str, Any]
Parse = Callable[..., Any]


@dataclass(frozen=True)
class Transform:
    """A transform as model files know it.

    stage: "model" for Model -> Model, applied before the objective is read, or "problem" for Problem -> Problem.
    keys: each key of its table beside `kind`, and whether it has to be there.
    from_table: (model or problem, table, where, parse) -> the same kind of thing; `parse(text or number, key)` gives an expression, and
    `parse(text, key, leaves)` one that may use further names.
    """

    stage: str
    keys: Mapping[str, bool]
    from_table: Callable[[Any, Table, str, Parse], Any]


def checked(table: Table, where: str, keys: Mapping[str, bool], examples: Mapping[str, str]) -> dict[str, Any]:
    """The table without its kind, all of whose keys are known and none of whose required ones is missing."""
    given = {key: value for key, value in table.items() if key != "kind"}
    tables.only(given, keys, where)
    for key, needed in keys.items():
        if needed:
            tables.required(given, key, where, examples[key])
    return given


def texts(value: Any, where: str, example: str) -> list[str]:
    """A list of names, each once."""
    found = [tables.text(one, f"{where}[{i}]", example) for i, one in enumerate(tables.items(value, where, example))]
    twice = next((name for i, name in enumerate(found) if name in found[:i]), None)
    if twice is not None:
        raise ModelError(f"{where} has {tables.show(twice)} twice; name each once")
    return found


def one_or_more(value: Any, where: str, example: str) -> str | list[str]:
    """A name, or a list of names, each once."""
    return texts(value, where, example) if isinstance(value, list) else tables.text(value, where, example)


@contextmanager
def located(where: str):
    """Errors of what a table states begin with the place of the table."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from error


# ---------------------------------------------------------------- names


def one_of(name: Any, leaves: Iterable[Leaf], what: str, model: Model) -> Leaf:
    """The leaf that a name or a leaf stands for. Raises ModelError where there is none."""
    wanted = getattr(name, "name", name)
    found = next((leaf for leaf in leaves if leaf.name == wanted), None)
    if found is None:
        raise ModelError(f"{wanted!r} is no {what} of {model.name!r}; {tables.suggestion(str(wanted), [leaf.name for leaf in leaves])}")
    return found


def new_leaf(model: Model, given: Any, shape: Shape, key: str) -> Leaf:
    """A name, or a leaf of the shape, as a leaf whose name the model does not have yet.  key: what it is given under, for messages."""
    leaf = checks.leaf(ex.block(given, *shape) if isinstance(given, str) else given, key)
    if leaf.name in {one.name for one in (*model.states, *model.names, *model.varying, model.depth)}:
        raise ModelError(f"{key} is {leaf.name!r}, a name that {model.name!r} has already; choose another one")
    if shape_of(leaf) != shape:
        raise ModelError(f"{key} is {describe(leaf)}; give a name, or one of shape {show(shape)}")
    return leaf


def vary(model: Model, name: Any, terms: int, value: Callable[[Any], Any], kind: str) -> Model:
    """The model with a parameter or input that varies with depth: its value keeps the name and gains a leading axis of length `terms`.

    value: coefficient block -> expression in it and in depth, of the shape that the name had.
    """
    wanted = getattr(name, "name", name)
    if any(leaf.name == wanted for leaf in model.varying):
        raise ModelError(f"{kind} of {wanted!r}, which varies with depth already in {model.name!r}; a name is made depth-varying once")
    leaf = one_of(name, model.names, "parameter or input", model)
    _refuse_constant_use(model, leaf, kind)
    coefficient = ex.block(leaf.name, terms, *shape_of(leaf))
    return model.with_(
        parameters=tuple(coefficient if one == leaf else one for one in model.parameters),
        inputs=tuple(coefficient if one == leaf else one for one in model.inputs),
        functions=(*model.functions, (leaf, value(coefficient))),
    )


def _refuse_constant_use(model: Model, leaf: Leaf, kind: str) -> None:
    """Refuses a name on which depths or other functions rest: it would need a value without a depth."""
    uses = {
        "the domain": model.domain,
        "the breakpoints": model.breakpoints,
        "the nodes of a stacked name": [node for nodes in model.nodes for node in nodes],
        **{f"the depth-varying {name.name!r}": [value] for name, value in model.functions},
    }
    for place, expressions in uses.items():
        if leaf in leaves(*expressions):
            raise ModelError(
                f"{kind} of {leaf.name!r}, which stands in {place} of {model.name!r}, where it has one value for all depths; "
                "use another name there"
            )


# ---------------------------------------------------------------- the field as a formula


def field_formula(model: Model) -> Formula:
    """The field over depth, states and names; a name that varies with depth stands for its value there."""
    return _formula(model, "field", model.field)


def initial_formula(model: Model) -> Formula:
    """The initial value over depth and names, as `field_formula`."""
    return _formula(model, "initial", model.initial)


def _formula(model: Model, part: str, equations: Any) -> Formula:
    hidden = {leaf.name for leaf in model.varying}
    names = tuple(leaf for leaf in model.names if leaf.name not in hidden)
    return formula(part, (model.depth, *model.states, *model.varying, *names), {z.name: value for z, value in equations})


def inlined(lets: Iterable[tuple[Leaf, Any]], expression: Any) -> Any:
    """An expression with intermediate names replaced by what they stand for."""
    known: dict[Any, Any] = {}
    for leaf, value in lets:
        known[leaf] = substitute(value, {}, known)
    return substitute(expression, {}, known)

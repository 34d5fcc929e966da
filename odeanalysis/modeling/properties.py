"""What a user claims about the solutions of a model: one `Property` for each claim, and `KINDS`, the table of what can be claimed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks, tables
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.printing.text import lenient
from odeanalysis.symbolic.rewrite import exact
from odeanalysis.symbolic.shapes import show, size_of

VALUE = "value"
BOUNDS = ("low", "high")
UNKNOWN = "no state, parameter or input; declare it"
CONSTANT = "no parameter or input; a state of rest may use those only"

Parts = Mapping[Any, Any] | Iterable[tuple[Any, Any]]


@dataclass(frozen=True)
class Property:
    """A claim about every solution of a model, or about where its field vanishes. Its text is one line.

    kind: a name of `KINDS`.  parts: "value", "low" and "high" -> expression; of an equilibrium, state -> expression.
    Raises ModelError for an unknown kind, and for what is no expression.
    """

    kind: str
    parts: Parts

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ModelError(f"there is no claim {tables.show(self.kind)}; {tables.suggestion(str(self.kind), KINDS)}")
        given = checks.pairs(self.parts, f"the claim {self.kind!r}")
        object.__setattr__(self, "parts", tuple((_key(key), exact(value)) for key, value in given))

    @property
    def named(self) -> dict[str, Any]:
        """The parts by their names."""
        return {key if isinstance(key, str) else key.name: value for key, value in self.parts}

    def __str__(self) -> str:
        return KINDS[self.kind].say({name: lenient(value).text for name, value in self.named.items()})

    def rewritten(self, change: Callable[[Any], Any]) -> "Property":
        """The claim with its expressions changed."""
        return Property(self.kind, [(key, change(value)) for key, value in self.parts])


def _key(key: Any) -> Any:
    return key if isinstance(key, str) else checks.leaf(key, "state")


# ---------------------------------------------------------------- in Python


def conserved(value: Any) -> Property:
    """Claims that every entry keeps the value it has at s0."""
    return Property("conserved", {VALUE: value})


def positive(value: Any) -> Property:
    """Claims that every entry stays above 0."""
    return Property("positive", {VALUE: value})


def increasing(value: Any) -> Property:
    """Claims that no entry ever falls along the path, from s0 to S."""
    return Property("increasing", {VALUE: value})


def decreasing(value: Any) -> Property:
    """Claims that no entry ever rises along the path, from s0 to S."""
    return Property("decreasing", {VALUE: value})


def between(value: Any, low: Any = None, high: Any = None) -> Property:
    """Claims that every entry stays within bounds: scalars, or of the value's shape; None where there is none."""
    bounds = {key: bound for key, bound in zip(BOUNDS, (low, high), strict=True) if bound is not None}
    return Property("between", {VALUE: value, **bounds})


def equilibrium(values: Parts) -> Property:
    """Claims that the field vanishes, at every depth, where each state has this value.  values: state -> expression in constants."""
    return Property("equilibrium", values)


# ---------------------------------------------------------------- in model files

Read = Callable[[Any, str, Mapping[str, Leaf], Callable[[Any, str], Any]], Parts]


def _plain(given: Any, where: str, states: Mapping[str, Leaf], parse: Callable[[Any, str], Any]) -> Parts:
    return {VALUE: parse(given, where)}


def _bounded(given: Any, where: str, states: Mapping[str, Leaf], parse: Callable[[Any, str], Any]) -> Parts:
    found = tables.table(given, where)
    tables.only(found, (VALUE, *BOUNDS), where)
    tables.required(found, VALUE, where, 'value = "z"')
    return {key: parse(found[key], f"{where}.{key}") for key in (VALUE, *BOUNDS) if key in found}


def _rest(given: Any, where: str, states: Mapping[str, Leaf], parse: Callable[[Any, str], Any]) -> Parts:
    found = tables.table(given, where)
    for name in found:
        if name not in states:
            raise ModelError(f"{where} has a value for {tables.show(name)}, which is no state; {tables.suggestion(name, states)}")
    return {states[name]: parse(value, f"{where}.{name}") for name, value in found.items()}


def from_table(given: Mapping[str, Any], states: Iterable[Leaf], parse: Callable[[Any, str], Any]) -> list[Property]:
    """The claims in a table of a model file.  parse: (value, where) -> expression. Raises ModelError naming the key."""
    kinds, named = {one.key: kind for kind, one in KINDS.items()}, {z.name: z for z in states}
    tables.only(given, kinds, "claims")
    found = []
    for key, listed in given.items():
        read = KINDS[kinds[key]].read
        for i, one in enumerate(tables.items(listed, f"claims.{key}", KINDS[kinds[key]].example)):
            found.append(Property(kinds[key], read(one, f"claims.{key}[{i}]", named, parse)))
    return found


# ---------------------------------------------------------------- what can be claimed


@dataclass(frozen=True)
class Kind:
    """key: in model files, where claims of the kind are listed as in the example.  say: the texts of its parts, by name -> one line."""

    key: str
    say: Callable[[Mapping[str, str]], str]
    example: str = '["z"]'
    read: Read = _plain


def _within(said: Mapping[str, str]) -> str:
    if "low" in said and "high" in said:
        return "{value} stays between {low} and {high}".format_map(said)
    return ("{value} stays at or above {low}" if "low" in said else "{value} stays at or below {high}").format_map(said)


def _at_rest(said: Mapping[str, str]) -> str:
    return f"at rest where {', '.join(f'{name} = {value}' for name, value in said.items())}"


KINDS: dict[str, Kind] = {
    "conserved": Kind("conserved", "conserved: {value}".format_map),
    "positive": Kind("positive", "{value} stays above 0".format_map),
    "increasing": Kind("increasing", "{value} never falls".format_map),
    "decreasing": Kind("decreasing", "{value} never rises".format_map),
    "between": Kind("between", _within, '[{ value = "z", low = 0 }]', _bounded),
    "equilibrium": Kind("equilibria", _at_rest, '[{ z = "a/b" }]', _rest),
}


# ---------------------------------------------------------------- what fits a model


def checked(
    claims: Iterable[Any], where: str, states: tuple[Leaf, ...], along: tuple[Leaf, ...], fixed: tuple[Leaf, ...]
) -> tuple[Property, ...]:
    """Claims that fit a model, in the order of `KINDS`.

    states: its states.  along: all that has a value along its path.  fixed: what has one value for the whole path.
    Raises ModelError, naming the claims, for names and shapes that do not fit, bounds that are missing, and a claim stated twice.
    """
    found: dict[Property, None] = {}
    for claim in claims:
        if not isinstance(claim, Property):
            raise ModelError(f"{where} has the entry {claim!r}; give conserved(...), positive(...) or another of {', '.join(KINDS)}")
        place = f"{where}: {KINDS[claim.kind].key}"
        known = _at_states(claim, place, states, fixed) if claim.kind == "equilibrium" else _along(claim, place, along)
        if known in found:
            raise ModelError(f"{place} states twice: {known}; keep one")
        found[known] = None
    return tuple(sorted(found, key=lambda one: list(KINDS).index(one.kind)))


def _along(claim: Property, place: str, along: tuple[Leaf, ...]) -> Property:
    parts = {name: checks.expression(part, shape_of(part), along, place, UNKNOWN) for name, part in claim.named.items()}
    allowed = (VALUE, *BOUNDS) if claim.kind == "between" else (VALUE,)
    if VALUE not in parts or not set(parts) <= set(allowed):
        raise ModelError(f"{place} has the parts {', '.join(parts)}; give {', '.join(allowed)}")
    if claim.kind == "between" and len(parts) == 1:
        raise ModelError(f"{place} gives {lenient(parts[VALUE]).text} no bound; add low, high or both")
    shape = shape_of(parts[VALUE])
    if size_of(shape) == 0:
        raise ModelError(f"{place} has a value of shape {show(shape)}, without entries; claim something of one that has some")
    for name, part in parts.items():
        if shape_of(part) not in ((), shape):
            raise ModelError(
                f"{place} has a {name} of shape {show(shape_of(part))} for a value of {show(shape)}; give a scalar, or that shape"
            )
    return Property(claim.kind, parts)


def _at_states(claim: Property, place: str, states: tuple[Leaf, ...], fixed: tuple[Leaf, ...]) -> Property:
    given: dict[Any, Any] = {}
    for state, value in claim.parts:
        if state not in states:
            raise ModelError(f"{place} has a value for {state}, which is no state; give one for each state, and for nothing else")
        given[state] = value
    missing = [state.name for state in states if state not in given]
    if missing:
        raise ModelError(f"{place} has no value for state {', '.join(map(repr, missing))}; give one for each state")
    return Property(claim.kind, {z: checks.expression(given[z], shape_of(z), fixed, f"{place}: {z.name!r}", CONSTANT) for z in states})

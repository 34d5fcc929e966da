"""The names of a document as names of a model: what is a state, what is a parameter with which value, and what had to be renamed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.importers.naming import Names, free_depth
from odeanalysis.importers.sbml.contents import Contents, participants
from odeanalysis.importers.sbml.library import items
from odeanalysis.symbolic import expressions as ex

START = "(start)"  # no id of SBML


@dataclass(frozen=True)
class Declared:
    """symbols: by id, by (reaction, id) for what is local to one, by (id, START) for a start that is a parameter.

    states: their ids, in order.  values: each parameter with the number that the document gives it, or None.  renamed: what a name was.
    """

    depth: sp.Symbol
    symbols: Mapping[Any, sp.Symbol]
    states: tuple[str, ...]
    values: Mapping[sp.Symbol, float | None]
    renamed: Mapping[sp.Symbol, str]


def declared(found: Contents) -> Declared:
    """Names for everything: ids that are allowed stay as they are, and are given away first."""
    states = _states(found)
    names, local = Names(), _local(found)
    depth = free_depth({*found.quantities, *(name for _, name in local)})
    names.taken.add(depth)
    symbols: dict[Any, sp.Symbol] = {}
    for name in sorted(found.quantities, key=lambda one: Names({depth}).fresh(one) != one):
        symbols[name] = ex.block(names.fresh(name))
    for reaction, name in local:
        alone = [other for _, other in local].count(name) == 1 and name not in found.quantities
        symbols[reaction, name] = ex.block(names.fresh(*([name] if alone else []), f"{reaction}_{name}"))
    for name in found.quantities:
        if _starts_apart(found, name, states):
            base = symbols[name].name
            symbols[name, START] = ex.block(names.fresh(f"{base}0", f"{base}_start"))
    shown = {key: key if isinstance(key, str) else key[1] for key in symbols}
    renamed = {symbol: _said(key, states) for key, symbol in symbols.items() if shown[key] != symbol.name and _said(key, states)}
    return Declared(ex.block(depth), symbols, states, _values(found, symbols, states, local), renamed)


def _said(key: Any, states: tuple[str, ...]) -> str:
    """What a symbol stands for in the words of a reader of the document; nothing for the start of a state, which has its name and a 0."""
    if isinstance(key, str):
        return key
    if key[1] == START:
        return "" if key[0] in states else f"what is given of {key[0]}"
    return f"{key[1]} of {key[0]}"


def _states(found: Contents) -> tuple[str, ...]:
    """What has a rate rule, and the species that reactions make or use up."""
    moved = {one.getSpecies() for _, _, one in participants(found.reactions.values())}
    return tuple(
        name
        for name in found.quantities
        if name in found.rates or (name in moved and name in found.species and not found.species[name].getBoundaryCondition())
    )


def _local(found: Contents) -> dict[tuple[str, str], Any]:
    """The parameters of each kinetic law."""
    result: dict[tuple[str, str], Any] = {}
    for name, reaction in found.reactions.items():
        law = reaction.getKineticLaw()
        for one in items(law.getListOfLocalParameters() if law.getLevel() > 2 else law.getListOfParameters()):
            if result.setdefault((name, one.getId()), one) is not one:
                raise ModelError(f"reaction {name!r} has two parameters {one.getId()!r}; rename one of them")
    return result


def in_amounts(found: Contents, name: str) -> bool:
    """Whether a species' name means its amount, else its concentration."""
    species = found.species[name]
    return species.getHasOnlySubstanceUnits() or found.compartments[species.getCompartment()].getSpatialDimensionsAsDouble() == 0


def given_in_amounts(found: Contents, name: str) -> bool:
    """Whether the value of a species is an amount, else a concentration; what it means, where it has no value."""
    species = found.species[name]
    return species.isSetInitialAmount() or (not species.isSetInitialConcentration() and in_amounts(found, name))


def _starts_apart(found: Contents, name: str, states: tuple[str, ...]) -> bool:
    """Whether a parameter of its own gives the value: of a state its start, of a constant what it is in the units of the document."""
    if name in found.assignments or name in found.starts:
        return False
    return name in states or (name in found.species and in_amounts(found, name) != given_in_amounts(found, name))


def _values(
    found: Contents, symbols: Mapping[Any, sp.Symbol], states: tuple[str, ...], local: Mapping[Any, Any]
) -> dict[Any, float | None]:
    """Every parameter with its number: sizes, parameters, those of reactions, species."""
    moving = {name: one for name, one in found.references.items() if name in states}
    listed = {**found.compartments, **found.parameters, **local, **found.species, **moving}
    return {
        symbols.get((name, START), symbols[name]): _value(one)
        for name, one in listed.items()
        if name not in found.assignments and name not in found.starts
    }


def _value(one: Any) -> float | None:
    """The number that an element gives itself; None where it gives none."""
    for key in ("Value", "Size", "InitialAmount", "InitialConcentration", "Stoichiometry"):
        if hasattr(one, f"isSet{key}") and getattr(one, f"isSet{key}")():
            found = float(getattr(one, f"get{key}")())
            return None if found != found else found  # NaN is how SBML says that it is not known
    return None

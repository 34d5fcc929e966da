"""What an SBML document states, as tables by id; what a model cannot say is refused here, by its id."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from odeanalysis.errors import ModelError
from odeanalysis.importers.sbml.library import items, library

LEVELS = (2, 3)
MATH = "l3v2extendedmath"  # what libSBML calls the functions that level 3 version 2 adds, which are known by their own names


@dataclass(frozen=True)
class Contents:
    """The parts of a document by id, in their order; `assignments`, `rates` and `starts` hold formulas by the name they are for.

    document: keeps libSBML's objects alive.  factor: the conversion factor of all species, or "".
    """

    document: Any
    name: str
    factor: str
    functions: Mapping[str, Any]
    compartments: Mapping[str, Any]
    parameters: Mapping[str, Any]
    species: Mapping[str, Any]
    reactions: Mapping[str, Any]
    references: Mapping[str, Any]
    assignments: Mapping[str, Any]
    rates: Mapping[str, Any]
    starts: Mapping[str, Any]

    @cached_property
    def quantities(self) -> dict[str, Any]:
        """All that has a value, in the order in which a model lists it."""
        return {**self.compartments, **self.parameters, **self.species, **self.references}


def contents(text: str) -> Contents:
    """Raises ModelError for what is no SBML of level 2 or 3, and for what is not supported."""
    document = library().readSBMLFromString(text)
    _check_document(document)
    model = document.getModel()
    for what, listed, advice in UNSUPPORTED:
        for i, one in enumerate(listed(model)):
            raise ModelError(f"{what} {_named(one, i)} is not supported; {advice}")
    rules = _by_variable(items(model.getListOfRules()))
    found = Contents(
        document=document,
        name=model.getId(),
        factor=model.getConversionFactor(),
        functions=_by_id(items(model.getListOfFunctionDefinitions())),
        compartments=_by_id(items(model.getListOfCompartments())),
        parameters=_by_id(items(model.getListOfParameters())),
        species=_by_id(items(model.getListOfSpecies())),
        reactions=_by_id(items(model.getListOfReactions())),
        references={one.getId(): one for _, _, one in participants(items(model.getListOfReactions())) if one.isSetId()},
        assignments={name: _math(rule, f"the rule for {name!r}") for name, rule in rules.items() if rule.isAssignment()},
        rates={name: _math(rule, f"the rule for {name!r}") for name, rule in rules.items() if rule.isRate()},
        starts={
            name: _math(one, f"the initial assignment of {name!r}")
            for name, one in _by_variable(items(model.getListOfInitialAssignments())).items()
        },
    )
    _check(found)
    return found


def participants(reactions: Iterable[Any]) -> Iterator[tuple[Any, int, Any]]:
    """Each reaction with each of its species references, and whether that is made (1) or used up (-1)."""
    for reaction in reactions:
        for sign, listed in ((-1, reaction.getListOfReactants()), (1, reaction.getListOfProducts())):
            yield from ((reaction, sign, one) for one in items(listed))


def _check_document(document: Any) -> None:
    if document.getLevel() == 0:
        raise ModelError("this is XML, but no SBML; give the path of an SBML file")
    if document.getLevel() not in LEVELS:
        raise ModelError(f"SBML of level {document.getLevel()} is not supported; convert it to level 3, as libSBML and COPASI do")
    for i in range(document.getNumErrors()):
        error = document.getError(i)
        if error.getSeverity() >= library().LIBSBML_SEV_ERROR:
            raise ModelError(f"line {error.getLine()}: {error.getShortMessage()}; correct the file there")
    for name in _packages(document):
        raise ModelError(f"the package {name!r}, which changes what the model means, is not supported; convert the file to plain SBML")
    if document.getModel() is None:
        raise ModelError("the document holds no model; add one")


def _packages(document: Any) -> Iterator[str]:
    """The packages of level 3 that a reader has to understand; level 2 has none, whatever plugins libSBML brings to it."""
    if document.getLevel() < 3:
        return
    plugins = (document.getPlugin(i) for i in range(document.getNumPlugins()))
    known = ((one.getPackageName(), one.getURI()) for one in plugins)
    unknown = ((uri, uri) for uri in map(document.getUnknownPackageURI, range(document.getNumUnknownPackages())))
    yield from (name for name, uri in (*known, *unknown) if name != MATH and document.getPackageRequired(uri))


def _named(one: Any, place: int) -> str:
    """An element in a message: its id, else what else it is known by, else its place in its list."""
    known = one.getId() or one.getMetaId()
    return repr(known) if known else f"number {place + 1}"


def _by_id(found: Iterable[Any]) -> dict[str, Any]:
    return {one.getId(): one for one in found}


def _by_variable(found: Iterable[Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for one in found:
        name = one.getSymbol() if hasattr(one, "getSymbol") else one.getVariable()
        if name in result:
            raise ModelError(f"{name!r} has two rules or two initial assignments; keep one")
        result[name] = one
    return result


def _math(one: Any, what: str) -> Any:
    if one.getMath() is None:
        raise ModelError(f"{what} has no formula; add one")
    return one.getMath()


# ---------------------------------------------------------------- what is refused


def _algebraic(model: Any) -> list[Any]:
    return [rule for rule in items(model.getListOfRules()) if rule.isAlgebraic()]


def _fast(model: Any) -> list[Any]:
    return [one for one in items(model.getListOfReactions()) if one.isSetFast() and one.getFast()]


UNSUPPORTED: tuple[tuple[str, Callable[[Any], list[Any]], str], ...] = (
    ("event", lambda model: items(model.getListOfEvents()), "import the parts between events as models of their own"),
    ("algebraic rule", _algebraic, "solve it for one of its names, and give that an assignment rule"),
    ("fast reaction", _fast, "replace it by its equilibrium, or give it a large rate"),
    ("constraint", lambda model: items(model.getListOfConstraints()), "take it out; it changes no solution"),
)


def _check(found: Contents) -> None:
    for check in (_check_ids, _check_targets, _check_species, _check_reactions):
        check(found)


def _check_ids(found: Contents) -> None:
    model, seen = found.document.getModel(), set()
    listed = ("FunctionDefinitions", "Compartments", "Parameters", "Species", "Reactions")
    ids = [one.getId() for kind in listed for one in items(getattr(model, f"getListOf{kind}")())]
    ids += [one.getId() for _, _, one in participants(found.reactions.values()) if one.isSetId()]
    for name in ids:
        if not name or name in seen:
            raise ModelError(f"the id {name!r} is given twice; rename one of them" if name else "an element has no id; give it one")
        seen.add(name)


def _check_targets(found: Contents) -> None:
    """A rule or an initial assignment is for something that may change as it says."""
    for name in (*found.assignments, *found.rates, *found.starts):
        if name not in found.quantities:
            raise ModelError(f"there is a rule or an initial assignment for {name!r}, which is not declared; declare it or remove the rule")
    for name in (*found.assignments, *found.rates):
        if name in found.compartments:
            raise ModelError(f"compartment {name!r} varies by a rule, which is not supported; make its size constant")
        if found.quantities[name].getConstant():
            raise ModelError(f"{name!r} is declared constant and has a rule; remove one of the two")
        if name in found.assignments and name in found.starts:
            raise ModelError(f"{name!r} has an assignment rule and an initial assignment; keep one")


def _check_species(found: Contents) -> None:
    for name, one in found.species.items():
        if one.getCompartment() not in found.compartments:
            raise ModelError(f"species {name!r} is in the compartment {one.getCompartment()!r}, which is not declared; declare it")


def _check_reactions(found: Contents) -> None:
    for reaction, _, reference in participants(found.reactions.values()):
        name, one = reference.getSpecies(), found.species.get(reference.getSpecies())
        if one is None:
            raise ModelError(f"reaction {reaction.getId()!r} has the species {name!r}, which is not declared; declare it")
        if not one.getBoundaryCondition() and (one.getConstant() or name in found.rates or name in found.assignments):
            why = "declared constant" if one.getConstant() else "set by a rule"
            raise ModelError(f"reaction {reaction.getId()!r} changes species {name!r}, which is {why}; make it a boundary species")
    for name, reaction in found.reactions.items():
        law = reaction.getKineticLaw()
        if law is None:
            raise ModelError(f"reaction {name!r} has no kinetic law; give it one")
        _math(law, f"the kinetic law of reaction {name!r}")
        if law.isSetTimeUnits() or law.isSetSubstanceUnits():
            raise ModelError(f"the kinetic law of reaction {name!r} has units of its own, which is not supported; use the model's")

"""What each id of a document means as an expression, at any time and at the start; circles are refused by the names in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.importers import building
from odeanalysis.importers.sbml import formulas
from odeanalysis.importers.sbml.contents import Contents, participants
from odeanalysis.importers.sbml.declared import START, Declared, given_in_amounts, in_amounts
from odeanalysis.symbolic import expressions as ex

Circle = tuple[str, bool]


class Meanings:
    """Expressions by id. A value `at_start` is that at time 0: of states what they start from, of the time 0."""

    def __init__(self, found: Contents, names: Declared) -> None:
        self.found, self.names = found, names
        self.work = formulas.Work()
        self.known: dict[Circle, Any] = {}
        self.open: list[Circle] = []

    def value(self, name: str, at_start: bool = False) -> Any:
        """What an id means. Raises ModelError for one that is not declared, and for what depends on itself."""
        key = name, at_start
        if key in self.open:
            circle = " -> ".join(one for one, _ in (*self.open[self.open.index(key) :], key))
            raise ModelError(f"{name!r} depends on itself, by way of {circle}; take the circle out")
        if key not in self.known:
            self.open.append(key)
            self.known[key] = self._value(name, at_start)
            self.open.pop()
        return self.known[key]

    def _value(self, name: str, at_start: bool) -> Any:
        found = self.found
        if name in found.assignments:
            return self.read(found.assignments[name], at_start, f"the rule for {name!r}")
        if name in self.names.states and not at_start:
            return self.names.symbols[name]
        if name in found.starts:
            return self.read(found.starts[name], True, f"the initial assignment of {name!r}")
        if name in found.reactions:
            return self.rate(name, at_start)
        if name in found.species:
            return self._given(name)
        if name in found.quantities:
            return self._constant(name)
        raise ModelError(f"{name!r} is not declared; declare it or correct the name")

    def _constant(self, name: str) -> Any:
        """A parameter, or the start of what is no species; a stoichiometry that nothing changes is its number."""
        if name in self.found.references and name not in self.names.states:
            return self._stoichiometry(self.found.references[name])
        return self.names.symbols.get((name, START), self.names.symbols[name])

    def _given(self, name: str) -> Any:
        """A species as it is given: an amount where it means a concentration is divided by the size of its compartment."""
        symbol = self.names.symbols.get((name, START), self.names.symbols[name])
        means, gives = in_amounts(self.found, name), given_in_amounts(self.found, name)
        if means == gives:
            return symbol
        size = self.value(self.found.species[name].getCompartment(), True)
        return building.product(symbol, size) if means else building.quotient(symbol, size)

    def read(self, formula: Any, at_start: bool, where: str, local: dict[str, Any] | None = None) -> Any:
        """A formula as an expression; `local` names go before the others."""

        def names(name: str) -> Any:
            return local[name] if local and name in local else self.value(name, at_start)

        time = sp.S.Zero if at_start else self.names.depth
        with located(where):
            return formulas.number(formula, formulas.Scope(names, self.found.functions, time, self.work))

    def rate(self, reaction: str, at_start: bool = False) -> Any:
        """The rate of a reaction, in amounts for a unit of time."""
        local = {
            key[1]: symbol
            for key, symbol in self.names.symbols.items()
            if isinstance(key, tuple) and key[0] == reaction and key[1] != START
        }
        law = self.found.reactions[reaction].getKineticLaw()
        return self.read(law.getMath(), at_start, f"the kinetic law of reaction {reaction!r}", local)

    def slope(self, state: str) -> Any:
        """The right side of a state: its rate rule, else what its reactions make less what they use up, in its own units."""
        if state in self.found.rates:
            return self.read(self.found.rates[state], False, f"the rate rule for {state!r}")
        terms = [
            building.product(sign, self._stoichiometry(reference), self.value(reaction.getId()))
            for reaction, sign, reference in participants(self.found.reactions.values())
            if reference.getSpecies() == state
        ]
        species = self.found.species[state]
        factor = species.getConversionFactor() or self.found.factor
        amount = building.product(building.total(*terms), self.value(factor) if factor else sp.S.One)
        return amount if in_amounts(self.found, state) else building.quotient(amount, self.value(species.getCompartment()))

    def _stoichiometry(self, reference: Any) -> Any:
        name = reference.getId()
        if name in self.found.assignments or name in self.found.rates or name in self.found.starts:
            return self.value(name)
        species = reference.getSpecies()
        if reference.isSetStoichiometryMath():
            return self.read(reference.getStoichiometryMath().getMath(), False, f"the stoichiometry of {species!r}")
        if reference.getLevel() > 2 and not reference.isSetStoichiometry():
            raise ModelError(f"the stoichiometry of {species!r} is not given; give it a number")
        return building.number(ex.as_expression(reference.getStoichiometry()))


@contextmanager
def located(where: str) -> Iterator[None]:
    """Errors that say in which formula they are; those of a formula inside another keep the inner place."""
    try:
        yield
    except Placed:
        raise
    except ModelError as error:
        raise Placed(f"{where}: {error}") from error


class Placed(ModelError):
    """An error that says its place."""

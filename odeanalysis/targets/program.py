"""A formula as a Python function, in parts: its name, the helpers that it calls, its definition."""

from dataclasses import dataclass

from odeanalysis.symbolic.formula import Formula
from odeanalysis.targets import text as tx
from odeanalysis.targets.printer import Dialect, Printer

WIDTH = 100


@dataclass(frozen=True)
class Program:
    """A formula as text: the name of its function, the helpers that it calls, and the definition itself."""

    name: str
    helpers: tuple[str, ...]
    definition: str
    dialect: Dialect

    @property
    def text(self) -> str:
        """A module that defines the function."""
        library = self.dialect.library
        parts = [f"{library.statement}\n"] if library.name in tx.words(self.definition) else []
        if self.helpers:
            parts.append(f"from {self.dialect.prelude} import {', '.join(self.helpers)}\n")
        return "\n".join(parts) + ("\n\n" if parts else "") + self.definition


def program(formula: Formula, dialect: Dialect) -> Program:
    """The text of a formula in its parts, for modules that carry the text of the helpers themselves."""
    printer = Printer(formula, dialect)
    lines = [f"{target} = {text}" for target, text in printer.run()]
    lines += _returned(printer.results)
    mentioned = set().union(*map(tx.words, lines))
    (name,) = tx.identifiers([formula.name], dialect.reserved).values()
    arguments = ", ".join((*(printer.known[leaf].text for leaf in formula.inputs), *printer.networks.values()))
    body = "\n".join(f"    {line}" for line in ([tx.docstring(formula.source)] if formula.source else []) + lines)
    helpers = tuple(helper for helper in dialect.helpers if helper in mentioned)
    return Program(name, helpers, f"def {name}({arguments}):\n{body}\n", dialect)


def _returned(results: list[str]) -> list[str]:
    """The tuple of the results, on one line or on one line each."""
    line = f"return {tx.tuple_of(results) if results else '()'}"
    return [line] if len(line) < WIDTH else ["return (", *(f"    {result}," for result in results), ")"]

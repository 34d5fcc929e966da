"""A formula as the text of a Python function that Numba compiles: loops over samples and entries, and products of matrices.

Every input has its stated shape behind one batch axis, or none: which of them do is part of the text, and so is the kind of number.
"""

from dataclasses import dataclass

from odeanalysis.errors import TargetError
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.targets import text as tx
from odeanalysis.targets.loops import entries, wholes
from odeanalysis.targets.loops.writer import COUNT, SIZE, Domain, Whole, Writer

KINDS = ("float32", "float64")
IMPORTS = """import numpy as np
from numba import njit

from odeanalysis.targets.loops.functions import functions
from odeanalysis.targets.loops.products import FAST
"""


@dataclass(frozen=True)
class Program:
    """A formula as text: the name of its function, its kind of number, the functions that it calls, its constants, the definition.

    filled: the arrays that the function is given behind its inputs, to fill: whether they have a batch axis, and their shapes behind it.
    """

    name: str
    kind: str
    called: tuple[str, ...]
    constants: str
    definition: str
    filled: tuple[Domain, ...] = ()

    @property
    def text(self) -> str:
        """A module that defines the function."""
        calls = f"{tx.tuple_of(self.called)} = functions({', '.join(map(repr, (self.kind, *self.called)))})\n" if self.called else ""
        return f"{IMPORTS}\nreal = np.{self.kind}\n{calls}{self.constants}\n\n@njit(**FAST)\n{self.definition}"


def program(formula: Formula, batched: frozenset[str] = frozenset(), kind: str = "float64", kept: frozenset[str] = frozenset()) -> Program:
    """The program of a formula.

    batched: the names of the inputs that have a batch axis.  kind: the kind of all numbers, `float32` or `float64`.
    kept: outputs for which the caller has memory: those that loops fill are given to the function.
    Raises TargetError for a node that cannot be written, and for sizes that are no numbers.
    """
    if kind not in KINDS:
        raise TargetError(f"loops compute with {' or '.join(KINDS)}, not with {kind}; convert the values")
    writer = Writer(formula, batched, entries.RULES, wholes.RULES)
    results = writer.run()
    long = [one.name for (name, _), one in zip(formula.outputs, results, strict=True) if name in kept]
    filled = {name: writer.made[name] for name in long if name in writer.made and writer.made[name].domain.heads}
    for new in filled.values():
        new.given = True
    inputs = [writer.known[leaf] for leaf in formula.inputs]
    lines = [tx.docstring(formula.source)] if formula.source else []
    lines += [*_opening(formula, inputs), *(line for one in writer.statements for line in one.lines)]
    lines.append(f"return {tx.tuple_of(one.name for one in results)}")
    (name,) = tx.identifiers([formula.name], writer.taken).values()
    body = "".join(f"    {line}\n" for line in lines)
    constants = "".join(f"{constant} = real({number})\n" for number, constant in writer.constants.items())
    definition = f"def {name}({', '.join((*(one.name for one in inputs), *filled))}):\n{body}"
    return Program(name, kind, tuple(sorted(writer.called)), constants, definition, tuple(new.domain for new in filled.values()))


def _opening(formula: Formula, inputs: list[Whole]) -> list[str]:
    """The number of samples, and shared scalars as numbers."""
    first = next((one.name for one in inputs if one.batched), None)
    found = [] if first is None else [f"{SIZE} = {first}.shape[0]", f"{COUNT.name} = real({SIZE})"]
    pairs = zip(formula.inputs, inputs, strict=True)
    return found + [f"{one.name} = {one.name}[()]" for leaf, one in pairs if not one.batched and not shape_of(leaf)]

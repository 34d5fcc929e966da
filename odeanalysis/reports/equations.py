"""The steps of a derivation as equations to be read: left sides as in a paper, without what is zero or not used."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from odeanalysis.derivations.adjoint import beside_states
from odeanalysis.derivations.derived import DerivedProblem
from odeanalysis.derivations.parts import COST, costate_of
from odeanalysis.derivations.readable import readable, readable_names
from odeanalysis.symbolic.calculus.reverse import cotangent_of
from odeanalysis.symbolic.expressions import is_zero
from odeanalysis.symbolic.formula import Formula, name_of
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.printing.latex import formula_latex, latex, leaf_latex
from odeanalysis.symbolic.printing.latex_names import escaped, name_latex
from odeanalysis.symbolic.printing.text import text
from odeanalysis.symbolic.rewrite import leaves

GRADIENT, COSTATE = "grad_", "a_"
BEGIN = "\\begin{aligned}\n"
# outputs, by how their names begin, that are shown even where they are zero
SAID = {"end": (COSTATE,), "terminal": ("terminal",), "hamiltonian": ("H",), "system": (COSTATE, f"_{COSTATE}"), "initial": ("",)}


@dataclass(frozen=True)
class Label:
    """The left side of an equation, as text and as LaTeX."""

    text: str
    latex: str


# the derivative of the loss by s0 and by S, each without and with something else at it: then the sides are told apart
BY_END = (
    (
        Label("dell/ds0 = -H(s0) + a(s0)^T dh/ds0", r"\frac{\partial \ell}{\partial s_0} = -H(s_0) + a(s_0)^\top h_{s_0}"),
        Label("dell/ds0 = -H(s0+) + a(s0-)^T dh/ds0", r"\frac{\partial \ell}{\partial s_0} = -H(s_0^+) + a(s_0^-)^\top h_{s_0}"),
    ),
    (
        Label("dell/dS = H(S)", r"\frac{\partial \ell}{\partial S} = H(S)"),
        Label("dell/dS = H(S-)", r"\frac{\partial \ell}{\partial S} = H(S^-)"),
    ),
)
ACROSS = Label("H(s-) - H(s+)", r"H(s^-) - H(s^+)")


@dataclass(frozen=True)
class Step:
    """One step of a derivation: a title, its formula without zeros, the left side of every output.

    notes: equations that say what inputs are, (left, right).
    """

    title: str
    formula: Formula
    labels: dict[str, Label]
    notes: tuple[tuple[Label, Label], ...] = ()

    @property
    def lines(self) -> list[str]:
        """The equations as text, intermediate names first."""
        notes = [f"{left.text} = {right.text}" for left, right in self.notes]
        lets = [f"{name_of(leaf)} = {text(value)}" for leaf, value in self.formula.lets]
        return [*notes, *lets, *(f"{self.labels[name].text} = {text(value)}" for name, value in self.formula.outputs)]

    @property
    def latex(self) -> str:
        found = formula_latex(self.formula, {name: label.latex for name, label in self.labels.items()})
        rows = "".join(f"{left.latex} &= {right.latex} \\\\\n" for left, right in self.notes)
        return found.replace(BEGIN, BEGIN + rows, 1)


def steps(derived: DerivedProblem) -> Iterator[Step]:
    """The derivation, each step to be read; those that say nothing are left out."""
    for step in derived.steps:
        short = _without_zeros(step)
        if short is None:
            continue
        shown = _with_inputs_used(readable(derived.parts, short))
        labels = {name: _label(derived, step.name, name) for name, _ in shown.outputs}
        yield Step(step.source[:1].upper() + step.source[1:], shown, labels, tuple(_notes(derived, shown)))


def _without_zeros(step: Formula) -> Formula | None:
    """Only outputs that are not zero, or must be said to be; the source is the title."""
    said = SAID.get(step.name, ())
    kept = [name for name, value in step.outputs if not is_zero(value) or name.startswith(said)]
    return replace(step.only(*kept), source="") if kept else None


def _with_inputs_used(step: Formula) -> Formula:
    used = leaves(*(value for _, value in (*step.lets, *step.outputs)))
    return replace(step, inputs=tuple(leaf for leaf in step.inputs if leaf in used))


def _notes(derived: DerivedProblem, step: Formula) -> Iterator[tuple[Label, Label]]:
    """What the derivatives by depths are."""
    names = readable_names(derived.parts)
    for mark, (name, depth) in enumerate(derived.parts.marks.outputs):
        slope = names[cotangent_of(name, depth)]
        if slope in step.inputs:
            yield _leaf(slope), _by_end(derived, mark) if mark < len(BY_END) else _by_inner_depth(derived, mark)


def _by_end(derived: DerivedProblem, end: int) -> Label:
    """The derivative of the loss by s0 or S, with the costs observed there (THEOREMS: end-depth)."""
    costs = _observed(derived, end)
    beside = bool(costs) or end in derived.parts.switching
    terminal = [_Names(derived, "").depth_slope(Label("L", "L"))] if end else []
    return _sum([BY_END[end][beside], *terminal, *costs])


def _by_inner_depth(derived: DerivedProblem, mark: int) -> Label:
    """The derivative of the loss by a break point, an observed depth, or what is both (THEOREMS: observations, nodes)."""
    depth = derived.parts.depths[mark]
    found = _sum([*_observed(derived, mark), ACROSS])
    return Label(f"{found.text}, at {text(depth)}", rf"{found.latex},\ s = {latex(depth)}")


def _observed(derived: DerivedProblem, mark: int) -> list[Label]:
    """dL_i/ds of every observation at a mark; one that lists the depth twice is summed."""
    found = ((_Names(derived, str(i)), places.count(mark)) for i, places in enumerate(derived.parts.observed))
    return [_summed(names.depth_slope(names.cost), "j") if count > 1 else names.depth_slope(names.cost) for names, count in found if count]


def _leaf(leaf: Leaf) -> Label:
    return Label(name_of(leaf), leaf_latex(leaf))


# ---------------------------------------------------------------- left sides


def _label(derived: DerivedProblem, step: str, output: str) -> Label:
    stem, number = step.rstrip("0123456789"), step[len(step.rstrip("0123456789")) :]
    return LABELS[stem](_Names(derived, number), output)


@dataclass(frozen=True)
class _Names:
    """The names of a problem, and the number of the observation that a step belongs to."""

    derived: DerivedProblem
    number: str

    @property
    def depth(self) -> Label:
        return _leaf(self.derived.problem.model.depth)

    @property
    def cost(self) -> Label:
        return Label(f"L{self.number}", f"L_{{{self.number}}}" if self.number else "L")

    def leaf(self, name: str) -> Leaf:
        problem = self.derived.problem
        return {leaf.name: leaf for leaf in (*problem.model.states, *problem.model.names, *problem.data)}[name]

    def costate_leaf(self, output: str) -> Leaf:
        return readable_names(self.derived.parts)[costate_of(self.leaf(output.removeprefix(COSTATE)))]

    def costate(self, output: str) -> Label:
        return _leaf(self.costate_leaf(output))

    def slope(self, of: Label, output: str) -> Label:
        name = _leaf(self.leaf(output.removeprefix(GRADIENT)))
        return Label(f"d{of.text}/d{name.text}", rf"\frac{{\partial {of.latex}}}{{\partial {name.latex}}}")

    def depth_slope(self, of: Label) -> Label:
        return Label(f"d{of.text}/d{self.depth.text}", rf"\frac{{\partial {of.latex}}}{{\partial {self.depth.latex}}}")


def _prime(leaf: Leaf) -> Label:
    """The derivative along the depth: the dot stands on the letter, not on what is below it."""
    return Label(f"{name_of(leaf)}'", name_latex(f"_dot_{name_of(leaf)}", bold=bool(shape_of(leaf))))


def _at(label: Label, where: str, latex: str) -> Label:
    return Label(f"{label.text}({where})", f"{label.latex}({latex})")


def _field(names: _Names, output: str) -> Label:
    return Label("l", "l") if output in (COST.name, "cost") else _prime(names.leaf(output))


def _system(names: _Names, output: str) -> Label:
    if output in names.derived.parts.field.output:
        return _field(names, output)
    output = output.removeprefix("_")
    if output.startswith(GRADIENT):
        return names.slope(Label("H", "H"), output)
    return _prime(names.costate_leaf(output)) if output.startswith(COSTATE) else _field(names, output)


def _cost(names: _Names, output: str) -> Label:
    return names.cost


def _end(names: _Names, output: str) -> Label:
    return _of_cost(names, output, _at(names.costate(output), "S", "S") if output.startswith(COSTATE) else None)


def _jump(names: _Names, output: str) -> Label:
    if not output.startswith(COSTATE):
        return _of_cost(names, output, None)
    a = names.costate(output)
    return _of_cost(names, output, Label(f"{a.text}(s-) - {a.text}(s+)", f"{a.latex}(s^-) - {a.latex}(s^+)"))


def _of_cost(names: _Names, output: str, costate: Label | None) -> Label:
    if costate is not None:
        return costate
    return names.depth_slope(names.cost) if output == "depth" else names.slope(names.cost, output)


def _start(names: _Names, output: str) -> Label:
    inner = names.depth_slope(Label("h", "h")) if output == "depth" else names.slope(Label("h", "h"), output)
    return Label(f"a(s0)^T {inner.text}", f"a(s_0)^\\top {inner.latex}")


def _moving(names: _Names, output: str) -> Label:
    name = _leaf(names.leaf(output.removeprefix(GRADIENT)))
    return Label(
        f"sum_k dell/ds_k ds_k/d{name.text}",
        rf"\sum_k \frac{{\partial \ell}}{{\partial s_k}} \frac{{\partial s_k}}{{\partial {name.latex}}}",
    )


LABELS: dict[str, Callable[[_Names, str], Label]] = {
    "field": _field,
    "initial": lambda names, output: _at(_leaf(names.leaf(output)), "s0", "s_0"),
    "terminal": _cost,
    "observation": _cost,
    "hamiltonian": lambda names, output: Label("H", "H"),
    "system": _system,
    "end": _end,
    "jump": _jump,
    "start": _start,
    "moving_depths": _moving,
}


# ---------------------------------------------------------------- the whole gradient


def gradients(derived: DerivedProblem) -> Iterator[tuple[Label, Label]]:
    """For every name, dell/dname and the sum of its parts that are not zero."""
    names = _Names(derived, "")
    ell = Label("ell", r"\ell")
    for leaf in (*derived.problem.model.names, *derived.problem.data):
        output = f"{GRADIENT}{leaf.name}"
        parts = list(_parts(derived, names, output)) or [Label("0", "0")]
        yield names.slope(ell, output), _sum(parts)


def _parts(derived: DerivedProblem, names: _Names, output: str) -> Iterator[Label]:
    if _there(derived.start, output):
        yield _start(names, output)
    if _there(derived.system, beside_states(derived.parts, output)):
        inner = names.slope(Label("H", "H"), output)
        yield Label(f"int_s0^S {inner.text} d{names.depth.text}", rf"\int_{{s_0}}^{{S}} {inner.latex} \, d{names.depth.latex}")
    if _there(derived.end, output):
        yield names.slope(Label("L", "L"), output)
    for i, jump in enumerate(derived.jumps):
        if _there(jump, output):
            yield _summed(names.slope(_Names(derived, str(i)).cost, output))
    if _there(derived.marks, output):
        yield _moving(names, output)


def _summed(label: Label, over: str = "s") -> Label:
    """The sum over the depths of an observation."""
    return Label(f"sum_{over} {label.text}", rf"\sum_{{{over}}} {label.latex}")


def _sum(labels: list[Label]) -> Label:
    return Label(" + ".join(one.text for one in labels), " + ".join(one.latex for one in labels))


def _there(formula: Formula, output: str) -> bool:
    value: Any = formula.output.get(output, 0)
    return not is_zero(value)


IN_TITLES = {
    "H = l + a^T f": r"H = l + a^\top f",
    "a' = -dH/dz": r"\dot{a} = -\partial H / \partial z",
    "dH/dname": r"\partial H / \partial \mathrm{name}",
    "a(S) = dL/dz": r"a(S) = \partial L / \partial z",
    "a(s-) - a(s+) = dL_i/dz": r"a(s^-) - a(s^+) = \partial L_i / \partial z",
    "a(s0)^T dh": r"a(s_0)^\top dh",
    "sum_k dell/ds_k ds_k/dname": r"\sum_k \partial \ell / \partial s_k \cdot \partial s_k / \partial \mathrm{name}",
}
FORMULA = re.compile(f"({'|'.join(map(re.escape, IN_TITLES))})")


def title_parts(words: str) -> Iterator[tuple[bool, str]]:
    """The parts of a title: whether each is a formula, and its LaTeX, or the words."""
    for part in FORMULA.split(words):
        yield part in IN_TITLES, IN_TITLES.get(part, part)


def title_latex(words: str, plain: Callable[[str], str] = escaped) -> str:
    """A title in text mode, its formulas between dollar signs; `plain` writes the words between them."""
    return "".join(f"${part}$" if is_formula else plain(part) for is_formula, part in title_parts(words))

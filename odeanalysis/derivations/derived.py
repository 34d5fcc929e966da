"""`DerivedProblem`: a problem with its Hamiltonian, its costate system, its jumps and its gradient, each a formula."""

from dataclasses import dataclass
from functools import cached_property

from odeanalysis.derivations.parts import Parts
from odeanalysis.derivations.readable import readable
from odeanalysis.modeling.model import Problem
from odeanalysis.symbolic.expressions import is_zero
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.printing.latex import formula_latex


@dataclass(frozen=True)
class DerivedProblem:
    """What a derivation gives. Every gradient is a partial derivative of one scalar, H = l + a^T f.

    hamiltonian: (s, z, a, names, flags) -> H.
    system: the same inputs -> the field, `cost` (l), the costate's derivative `a_<state>` = -dH/dz, and the integrands
    `grad_<name>` = dH/dname; where a state has such a name, it begins with an underscore (see `beside_states`).
    start: (s0, names, costate at s0) -> a(s0)^T dh/dname, and `depth` = a(s0)^T dh/ds0.
    end: (S, z(S), names) -> the costate at S `a_<state>` = dL/dz, `grad_<name>` = dL/dname, and `depth` = dL/ds.
    jumps: one for each observation: the jump of the costate, and what the cost adds to the gradients.
    steps: the derivation, step by step.  readable: the steps by name, as a reader would write them.
    """

    kind: str
    problem: Problem
    parts: Parts
    hamiltonian: Formula
    system: Formula
    start: Formula
    end: Formula
    jumps: tuple[Formula, ...]
    marks: Formula

    @property
    def boundary(self) -> tuple[Formula, Formula]:
        """The conditions at s0 and at S."""
        return self.start, self.end

    @cached_property
    def steps(self) -> tuple[Formula, ...]:
        """The derivation, each step a titled formula."""
        stated = (self.parts.field, self.parts.initial, self.parts.terminal, *self.parts.observations)
        derived = (self.hamiltonian, self.system, self.end, *self.jumps, self.start, self.marks)
        return tuple(step for step in (*stated, *derived) if step.outputs and step is not self._idle)

    @cached_property
    def readable(self) -> dict[str, Formula]:
        """The steps by name, under names that a reader would choose (a_z for the costate of z), with conditions in their places."""
        return {step.name: readable(self.parts, step) for step in self.steps}

    @property
    def _idle(self) -> Formula | None:
        """The part of moving depths, where none moves."""
        return self.marks if all(is_zero(value) for _, value in self.marks.outputs) else None

    def _repr_latex_(self) -> str:
        return "\n\n".join(f"$${formula_latex(step)}$$" for step in self.readable.values())

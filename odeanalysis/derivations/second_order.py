"""The Hessian-vector product of the loss: the tangent of the whole adjoint system along a direction of all parameters and inputs.

With w = dz[v] and b = da[v], the variations of state and costate along the direction v,

    w' = f_z w + f_theta v,   b' = -(H_zz w + H_za b + H_ztheta v),   Hess ell v = d/dv (dell/dtheta),

and every integral, jump, boundary condition and moving depth of the gradient has its tangent. Depths move too: the tangent of the depth at
a fixed fraction t of a segment [s_j, s_j+1] is (1 - t) ds_j + t ds_j+1, so that states vary without jumps at moving break points.
"""

from dataclasses import dataclass

from odeanalysis.derivations.derived import DerivedProblem
from odeanalysis.symbolic.calculus.forward import jvp, tangent_of
from odeanalysis.symbolic.formula import Formula


@dataclass(frozen=True)
class SecondOrder:
    """The tangents of all formulas of a derived problem; each has the outputs of the formula that it is the tangent of.

    Inputs are those of the formula, then `_dot_<input>` for each input that moves: the depth, states, costates, names, observation data and
    the derivatives `_bar_<mark>` of the loss by the depths; flags stand still.
    system: field -> w', `cost` -> dl, `a_<state>` -> b', `grad_<name>` -> the integrand of the product.
    initial: w(s0).  end, jumps: b(S), the jumps of b, and the costs' parts of the product.  start, marks: the other parts.
    hamiltonian: the tangent of H, for the derivatives of the loss by moving depths.  depths: how the marks move.
    """

    derived: DerivedProblem
    initial: Formula
    depths: Formula
    hamiltonian: Formula
    system: Formula
    start: Formula
    end: Formula
    jumps: tuple[Formula, ...]
    marks: Formula

    @property
    def pairs(self) -> tuple[tuple[Formula, Formula], ...]:
        """Each formula of the derivation with its tangent."""
        first, stated = self.derived, self.derived.parts
        formulas = (stated.initial, stated.marks, first.hamiltonian, first.system, first.end, *first.jumps, first.start, first.marks)
        tangents = (self.initial, self.depths, self.hamiltonian, self.system, self.end, *self.jumps, self.start, self.marks)
        return tuple(zip(formulas, tangents, strict=True))

    @property
    def steps(self) -> tuple[Formula, ...]:
        return tuple(tangent for _, tangent in self.pairs if tangent.outputs)


def second_order(derived: DerivedProblem) -> SecondOrder:
    """Derives the Hessian-vector product of the loss as the tangent of the adjoint system (forward over reverse).

    derived: an adjoint derivation. Returns its tangents, ready to be solved along with it.
    """
    flags = set(derived.parts.pieces.flags)

    def tangent(formula: Formula) -> Formula:
        moving = {leaf: tangent_of(leaf) for leaf in formula.inputs if leaf not in flags}
        return jvp(formula, moving, f"tangent_{formula.name}", f"the tangent of: {formula.source}")

    return SecondOrder(
        derived,
        tangent(derived.parts.initial),
        tangent(derived.parts.marks),
        tangent(derived.hamiltonian),
        tangent(derived.system),
        tangent(derived.start),
        tangent(derived.end),
        tuple(map(tangent, derived.jumps)),
        tangent(derived.marks),
    )

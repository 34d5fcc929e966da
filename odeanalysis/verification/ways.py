"""The ways in which claims are measured: what each rests on, and whether any of our calculus or our solvers has a part in it."""

from dataclasses import dataclass

from odeanalysis.errors import ModelError


@dataclass(frozen=True)
class Way:
    """rests_on: where its numbers come from.  ours: whether our calculus, our derivations or our solvers have a part in them."""

    rests_on: str
    ours: bool


WAYS = {
    "solver": Way("our solver's states, from the model as it is stated or as a transform makes it", True),
    "complex step": Way("imaginary parts of our solver's losses", True),
    "discrete adjoint": Way("derived cotangents of our solver's steps", True),
    "adjoint": Way("the derived costate equation, integrated against the derived gradient", True),
    "costate equation": Way("the derived costate equation by itself", True),
    "forward sensitivities": Way("derived equations of the state's derivatives", True),
    "variational equation": Way("the equation of the state's Jacobian that a transform adds", True),
    "partitioned method": Way("derivatives of the Hamiltonian at the stages of a step, by derived formulas", True),
    "derived solution": Way("a solution in closed form that our derivation finds", True),
    "closed form": Way("a formula, solved by SymPy or checked by substitution", False),
    "SciPy": Way("SciPy's solver, on the statement read entry by entry or on an equation by hand", False),
    "repeated integration": Way("integrals over Chebyshev's nodes of an equation by hand", False),
    "Picard's iteration": Way("integrals of a right side by hand along paths", False),
    "steps by hand": Way("Runge-Kutta steps that are made of a method's numbers, on the statement read entry by entry", False),
    "exponentials": Way("SciPy's exponential of matrices", False),
    "by hand": Way("NumPy or plain Python, written for the claim alone", False),
}


def base(name: str) -> str:
    """The way of a name: "SciPy, differences" is one of "SciPy". Raises ModelError for one that is not in the table."""
    found = name.partition(", ")[0]
    if found not in WAYS:
        raise ModelError(f"there is no way of measuring {found!r}; name one of {', '.join(WAYS)}, and what is done with it behind a comma")
    return found

"""How long deriving, emitting and compiling take: `python -m benchmarks.derivation`.

Each round derives a model with names of its own, after others of the same kind, so that no memo of it exists.
"""

from collections.abc import Callable
from itertools import count

import odeanalysis as oda
from benchmarks.models import kinetics, network
from benchmarks.peers import PEERS, agree, ours
from benchmarks.timing import interleaved, machine, show
from odeanalysis.derivations.parts import parts
from odeanalysis.derivations.step import step_vjp
from odeanalysis.tableaus import tableau

WIDTHS = (8, 64, 512, 2048)
FRESH = count()
SLOW = ("SymPy expanded", 64)  # left out: minutes
DERIVED, COMPILED, MECHANISTIC = 0.010, 0.050, 1.0


def fresh(build: Callable[[str], oda.Problem], use: Callable[[oda.Problem], object], prepared: int = 40) -> Callable[[], object]:
    """A row that uses another new problem in each round; stating the problems is not timed."""
    problems = iter([build(f"_{next(FRESH)}".replace("_", "n")) for _ in range(prepared)])
    return lambda: use(next(problems))


def emitted(build: Callable[[str], oda.Problem]) -> Callable[[], object]:
    """Emitting and compiling the derived system; deriving it is not timed."""
    systems = iter([oda.adjoint(build(f"n{next(FRESH)}")).system for _ in range(40)])
    return lambda: oda.compile_numpy(next(systems))


def discrete(problem: oda.Problem) -> object:
    """The exact discrete adjoint of a tsit5 step: derived, emitted and compiled."""
    return oda.compile_numpy(step_vjp(parts(problem), tableau("tsit5")))


def against_peers() -> None:
    """The Jacobian and the vector-Jacobian product of a network with one hidden layer, derived and made callable."""
    print(f"largest difference between the peers' products: {agree(8):.1e}")
    rows = {f"ours, width {w}": fresh_network(w) for w in (8, 64)}
    rows |= {f"{name}, width {w}": lambda peer=peer, w=w: peer(w) for name, peer in PEERS.items() for w in (8, 64) if (name, w) != SLOW}
    show("Jacobian and vector-Jacobian product, derived and made callable", interleaved(rows, 5))


def fresh_network(width: int) -> Callable[[], object]:
    return lambda: ours(width, f"n{next(FRESH)}")


def main() -> None:
    print(machine("sympy", "numpy", "casadi"))
    rows = {f"adjoint, two hidden layers of {w}": fresh(lambda tag, w=w: network(w, tag), oda.adjoint) for w in WIDTHS}
    show("Deriving all gradients of a network field", interleaved(rows), dict.fromkeys(rows, DERIVED))
    rows = {f"emit and compile, two hidden layers of {w}": emitted(lambda tag, w=w: network(w, tag)) for w in WIDTHS}
    show("From the derived system to a NumPy callable", interleaved(rows), dict.fromkeys(rows, COMPILED))
    rows = {
        "adjoint, 20 states and 60 rates": fresh(lambda tag: kinetics(tag=tag), oda.adjoint),
        "emit and compile, 20 states and 60 rates": emitted(lambda tag: kinetics(tag=tag)),
    }
    show("A mechanistic model", interleaved(rows), dict.fromkeys(rows, MECHANISTIC))
    against_peers()
    rows = {
        "tsit5 step's adjoint, two hidden layers of 512": fresh(lambda tag: network(512, tag), discrete),
        "tsit5 step's adjoint, 20 states and 60 rates": fresh(lambda tag: kinetics(tag=tag), discrete),
    }
    show("What value_and_gradient derives and compiles once", interleaved(rows, 5))


if __name__ == "__main__":
    main()

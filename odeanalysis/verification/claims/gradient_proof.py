"""The proof that gradient claims share: every step of the derivation, checked by SymPy's own differentiation at small sizes."""

from collections.abc import Iterator

from odeanalysis.derivations.adjoint import adjoint
from odeanalysis.derivations.proof import prove
from odeanalysis.verification.measure import Instance


def derivation_holds(*instances: Instance) -> Iterator[tuple[str, bool]]:
    """Each step of the adjoint derivation of each instance, and whether SymPy reduces it to zero."""
    for instance in instances:
        for step in prove(adjoint(instance.problem)).steps:
            yield f"{instance.title}: {step.title}", step.holds

"""Programs that differ from another one in some formulas of the backward pass."""

from collections.abc import Mapping

from odeanalysis.numerics.gradients.program import Compiled, Program

AT_NODES = ("initial", "terminal", "marks", "observations")


def backward(program: Program, method: str) -> dict[str, Compiled]:
    """The formulas of the backward pass by name: what stands at the nodes, each observation by itself, and the step."""
    seen = {f"observation {i}": one for i, one in enumerate(program.vjp.observations)}
    return {**{name: getattr(program.vjp, name) for name in AT_NODES[:-1]}, **seen, "step": program.step_vjp(method)}


class Exchanged(Program):
    """A program that shares all compiled formulas with another one but those exchanged."""

    @classmethod
    def of(cls, program: Program, method: str, changed: Mapping[str, Compiled]) -> "Exchanged":
        """changed: formulas by the names that `backward` gives them."""
        found = {**backward(program, method), **changed}
        fresh = cls(program.parts, program.shared)
        vars(fresh).update({name: getattr(program, name) for name in ("field", *AT_NODES)}, stepping=found["step"])
        seen = tuple(found[f"observation {i}"] for i in range(len(program.vjp.observations)))
        vars(fresh.vjp).update({name: found[name] for name in AT_NODES[:-1]}, observations=seen)
        return fresh

    def step_vjp(self, method: str) -> Compiled:
        return vars(self)["stepping"]

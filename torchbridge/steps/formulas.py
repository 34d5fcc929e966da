"""The formulas of one step of a stated problem, derived, printed for torch and compiled once each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Any

from torch import Tensor

from odeanalysis.derivations.implicit import stage_name
from odeanalysis.derivations.parts import COST, H, Parts
from odeanalysis.derivations.step import STEPS, attempt, attempt_vjp, step_vjp
from odeanalysis.derivations.vector import Vector
from odeanalysis.numerics.gradients.program import still, summed
from odeanalysis.symbolic.calculus.reverse import cotangent_of, vjp
from odeanalysis.symbolic.expressions import is_zero
from odeanalysis.symbolic.formula import Formula
from odeanalysis.tableaus import Tableau
from torchbridge.callables import target_on_tensors


@dataclass(frozen=True, eq=False)
class Call:
    """A formula bound to torch that reads its inputs off one flat tuple."""

    formula: Formula
    function: Callable[..., tuple[Tensor, ...]]
    select: Callable[[Any], Any]

    def __call__(self, flat: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return self.function(*self.select(flat))


def bound(formula: Formula, slots: tuple[str, ...], target: str, kept: Iterable[str] = (), passed: bool = False) -> Call:
    """A formula for a target whose inputs stand in a flat tuple in the order of `slots`.

    kept: outputs that are large.  passed: whether a tape keeps these for a later call.
    """
    places = [slots.index(name) for name in (*(leaf.name for leaf in formula.inputs), *formula.networks)]
    single = len(places) == 1
    getter = itemgetter(*places) if places else lambda flat: ()
    return Call(formula, target_on_tensors(target).compile(formula, kept, passed), (lambda flat: (getter(flat),)) if single else getter)


@dataclass(frozen=True, eq=False)
class StepFormulas:
    """The callables of a method on a problem.

    shared: the names, and the depth and step, that all samples share: their cotangents are summed over the batch.  target: whose text runs.
    Slots of the flat tuples: step, depth, states, names, flags, networks; then what a formula has besides.
    """

    parts: Parts
    tableau: Tableau
    shared: frozenset[str]
    target: str = "torch"

    def ready(self, names: tuple[Tensor, ...]) -> tuple[Any, ...]:
        """What stands for tensors that do not change from call to call."""
        return tuple(map(target_on_tensors(self.target).ready, names))

    @cached_property
    def blocks(self) -> tuple[str, ...]:
        """The state blocks by name; the running cost, where there is one, is the last."""
        return (*(state.name for state in self.parts.states), *((COST.name,) if self.parts.has_cost else ()))

    @cached_property
    def slots(self) -> tuple[str, ...]:
        flags = (flag.name for flag in self.parts.pieces.flags)
        networks = self.parts.field.networks
        return (H.name, self.parts.depth.name, *self.blocks, *(leaf.name for leaf in self.parts.names), *flags, *networks)

    @cached_property
    def bars(self) -> tuple[str, ...]:
        return tuple(f"_bar_{name}" for name in self.blocks)

    @cached_property
    def slopes(self) -> Call:
        return self._bound(self.parts.field.only(*self.blocks), self.slots)

    @cached_property
    def jacobian(self) -> Call:
        """The derivative of the field in the states, flattened row by row, the running cost last."""
        return self._bound(Vector(self.parts).jacobian(), self.slots)

    @cached_property
    def pull(self) -> tuple[Call, tuple[str, ...]]:
        """The vector-Jacobian product of the field, and the names of what it gives."""
        stated = self.parts
        weights = {name: cotangent_of(name, value) for name, value in stated.field.outputs if name in self.blocks}
        return self._reverse(summed(vjp(stated.field, weights, (*stated.states, *stated.names)), self.shared), (*self.slots, *self.bars))

    @cached_property
    def fresh(self) -> Call:
        """A step: states, errors, slopes at the end."""
        return self._attempt(False)

    @cached_property
    def reusing(self) -> Call:
        """A step from known slopes."""
        return self._attempt(True)

    def _attempt(self, reuse: bool) -> Call:
        formula = attempt(self.parts, self.tableau, reuse).only(*self.results)
        return self._bound(formula, (*self.slots, *(f"_first_{name}" for name in self.blocks)))

    @cached_property
    def results(self) -> tuple[str, ...]:
        errors = tuple(f"_error_{name}" for name in self.blocks) if self.tableau.adaptive else ()
        lasts = tuple(f"_last_{name}" for name in self.blocks) if self.ends_with_slopes else ()
        return (*self.blocks, *errors, *lasts)

    @cached_property
    def ends_with_slopes(self) -> bool:
        return self.tableau.explicit and self.tableau.fsal

    @cached_property
    def again(self) -> tuple[Call, tuple[str | None, ...]]:
        """The discrete adjoint that computes the stages again, or of an implicit step takes them, and the names of what it gives."""
        formula = summed(step_vjp(self.parts, self.tableau, still(self.parts)), self.shared)
        return self._reverse(formula, (*self.slots, *self._all_bars, *self.stages))

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """The increments that the discrete adjoint of an implicit step takes."""
        return () if self.tableau.kind in STEPS else tuple(map(stage_name, range(self.tableau.stages)))

    @cached_property
    def pair(self) -> tuple[Call, Call, tuple[str, ...]]:
        """A step that keeps its stages, its discrete adjoint, and the names of what that gives."""
        early, late = attempt_vjp(self.parts, self.tableau, still(self.parts))
        kept = tuple(name for name, _ in early.outputs if name not in attempt(self.parts, self.tableau).output)
        outputs = {name.removeprefix("_bar_"): value for name, value in late.outputs}
        late = summed(Formula(late.name, late.inputs, late.lets, tuple(outputs.items()), late.source), self.shared)
        call, given = self._reverse(late, (*self.slots, *self._all_bars, *kept))
        return self._bound(early.only(*self.results, *kept), self.slots, kept, True), call, given

    @cached_property
    def _all_bars(self) -> tuple[str, ...]:
        return (*self.bars, *(() if self.parts.has_cost else (cotangent_of(COST.name, COST).name,)))

    def _reverse(self, formula: Formula, slots: tuple[str, ...]) -> tuple[Call, tuple[str, ...]]:
        """Bound, without the outputs that are zero wherever they are."""
        nonzero = tuple(name for name, value in formula.outputs if not is_zero(value))
        return self._bound(formula.only(*nonzero), slots, [leaf.name for leaf in self.parts.names]), nonzero

    def _bound(self, formula: Formula, slots: tuple[str, ...], kept: Iterable[str] = (), passed: bool = False) -> Call:
        return bound(formula, slots, self.target, kept, passed)


@lru_cache(maxsize=64)
def step_formulas(stated: Parts, tableau: Tableau, shared: frozenset[str], target: str = "torch") -> StepFormulas:
    """The formulas of a method on a problem; asked again for the same, they are the same object."""
    return StepFormulas(stated, tableau, shared, target)

"""Why a mutant that no check refuses gives the right gradient all the same: a reason that is computed, one for each mutant.

That its gradient is right wherever it was tried is no reason: there may be values at which a saturated term comes to life.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from odeanalysis.numerics.gradients.program import Array, Compiled
from odeanalysis.verification.mutation.exchange import Exchanged, backward
from odeanalysis.verification.mutation.mutants import Mutant
from odeanalysis.verification.mutation.trials import ROUNDING, Trial

DRAWS = 15
SIZES = (1.0, 0.03, 10.0, 0.3, 0.001)
TINY = 1e-8
PIECE = "_piece"

Arrays = tuple[Array, ...]


def reason(mutant: Mutant, trials: Sequence[Trial], seed: int) -> str:
    """Why the gradient of a mutant, which is the right one at all these trials, is the right one; empty where no reason is found."""
    case = _Case(mutant, trials, seed)
    if not mutant.changed:
        return "no derived formula changes"
    if not case.others:
        return f"{_listed(mutant.changed)}: the same function, at {DRAWS} random inputs"
    if case.unread:
        return f"only {_listed(case.others_by_output)} changes, which nothing reads"
    if not case.idle:
        return f"the changes of {_listed(case.others_by_output)} cancel at {len(trials)} sets of values"
    return f"{_listed(case.others)}: the same function where {case.said}, at {DRAWS} random values of its other inputs" if case.held else ""


def _listed(names: Mapping[str, object] | Sequence[str]) -> str:
    return ", ".join(names)


@dataclass(frozen=True, eq=False)
class _Case:
    """A mutant with the trials that it passed."""

    mutant: Mutant
    trials: Sequence[Trial]
    seed: int

    @cached_property
    def right(self) -> dict[str, Compiled]:
        run = self.trials[0].run
        return backward(run.setting.program, run.settings.method)

    @cached_property
    def changed(self) -> Mapping[str, Compiled]:
        return self.mutant.changed or {}

    @cached_property
    def others(self) -> dict[str, list[bool]]:
        """The formulas that are other functions: for each output, whether it differs at random inputs."""
        found = {name: self._differing(name, one) for name, one in self.changed.items()}
        return {name: outputs for name, outputs in found.items() if any(outputs)}

    @property
    def others_by_output(self) -> list[str]:
        return [
            f"{name}: {output}"
            for name, differs in self.others.items()
            for (output, _), other in zip(self.changed[name].formula.outputs, differs, strict=True)
            if other
        ]

    def _differing(self, name: str, one: Compiled, still: Mapping[str, float] | None = None) -> list[bool]:
        """For each output of a formula, whether it differs at random inputs, some of which may be held still."""
        pairs = [(self.right[name].function(*inputs), one.function(*inputs)) for inputs in self._random_inputs(name, still or {})]
        return [any(_apart(right[i], found[i]) for right, found in pairs) for i in range(len(one.formula.outputs))]

    def _random_inputs(self, name: str, still: Mapping[str, float]) -> Iterator[Arrays]:
        """Inputs of the shapes that the formula gets, of several sizes, half of them positive."""
        random = np.random.default_rng(self.seed)
        leaves = self.right[name].formula.inputs
        shapes = [np.shape(array) for array in next(iter(self._calls(name)), ())]
        for i in range(DRAWS if shapes else 0):
            drawn = [SIZES[i % len(SIZES)] * random.standard_normal(shape) for shape in shapes]
            positive = [np.abs(one) + TINY for one in drawn] if i % 2 else drawn
            held = zip(leaves, positive, strict=True)
            yield tuple(np.full(array.shape, still[leaf.name]) if leaf.name in still else array for leaf, array in held)

    def _calls(self, name: str) -> Iterator[Arrays]:
        return (inputs for trial in self.trials for inputs in trial.received[name])

    @cached_property
    def unread(self) -> bool:
        """Whether the gradient stays the same where the outputs that differ are no numbers at all."""
        return not any(trial.refuses(trial.gradient(self._poisoned(trial))) for trial in self.trials)

    def _poisoned(self, trial: Trial) -> Exchanged:
        program, method = trial.run.setting.program, trial.run.settings.method
        poisoned = {name: _with_poison(self.right[name], differs) for name, differs in self.others.items()}
        return Exchanged.of(program, method, poisoned)

    @cached_property
    def idle(self) -> bool:
        """Whether the formulas give the same at every input that they get."""
        return not any(_any_apart(self.right[name], self.changed[name], inputs) for name in self.others for inputs in self._calls(name))

    @property
    def held(self) -> bool:
        """Whether the formulas are the same functions where the inputs that never move stay as they are."""
        return not any(any(self._differing(name, self.changed[name], self._still(name))) for name in self.others)

    @property
    def said(self) -> str:
        """The inputs that never move."""
        found = {leaf: value for name in self.others for leaf, value in self._still(name).items()}
        return ", ".join(f"{leaf} = {value:g}" for leaf, value in found.items())

    def _still(self, name: str) -> dict[str, float]:
        """The inputs of a formula that are zero, and the pieces that are the same, at every call."""
        found: dict[str, set[float]] = {leaf.name: set() for leaf in self.right[name].formula.inputs}
        for inputs in self._calls(name):
            for values, array in zip(found.values(), inputs, strict=True):
                values.update(np.unique(array).tolist())
        alone = {leaf: min(values) for leaf, values in found.items() if len(values) == 1}
        return {leaf: value for leaf, value in alone.items() if value == 0 or leaf.startswith(PIECE)}


def _any_apart(right: Compiled, one: Compiled, inputs: Arrays) -> bool:
    return any(_apart(*pair) for pair in zip(right.function(*inputs), one.function(*inputs), strict=True))


def _apart(right: Array, found: Array) -> bool:
    """Whether two arrays differ beyond rounding; what is not a number in both is the same."""
    with np.errstate(all="ignore"):
        scale = np.max(np.abs(right), initial=0.0, where=np.isfinite(right))
        gap = np.abs(np.asarray(found) - right)
        known = np.isfinite(right) & np.isfinite(found)
        return bool(np.any(np.where(known, gap > ROUNDING * scale, np.isfinite(right) != np.isfinite(found))))


def _with_poison(one: Compiled, outputs: Sequence[bool]) -> Compiled:
    def function(*arrays: Array) -> Arrays:
        return tuple(np.full(np.shape(found), np.nan) if bad else found for found, bad in zip(one.function(*arrays), outputs, strict=True))

    return replace(one, function=function)

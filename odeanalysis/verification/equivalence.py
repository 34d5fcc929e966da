"""Why a mutant that no check refuses gives the right gradient all the same: a reason that is computed, one for each mutant."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from odeanalysis.numerics.gradients.program import Array, Compiled
from odeanalysis.verification.exchange import Exchanged, backward
from odeanalysis.verification.mutants import Mutant
from odeanalysis.verification.trials import ROUNDING, Trial

DRAWS = 15
SIZES = (1.0, 0.03, 10.0, 0.3, 0.001)
TINY = 1e-8
FIXED = ("_piece", "_h")

Arrays = tuple[Array, ...]


def reason(mutant: Mutant, trials: Sequence[Trial], seed: int) -> str:
    """Why the gradient of a mutant is the right one, at all these trials."""
    case = _Case(mutant, trials, seed)
    if not mutant.changed:
        return "no derived formula changes"
    if not case.others:
        return f"{_listed(mutant.changed)}: the same function, at {DRAWS} random inputs"
    if case.unread:
        return f"only {_listed(case.others_by_output)} changes, which nothing reads"
    if case.idle:
        return f"zero wherever it is computed: {_listed(case.others)}, {case.calls} times at {_values(trials)}{case.still}"
    return f"the changes of {_listed(case.others_by_output)} cancel at {_values(trials)}"


def _listed(names: Mapping[str, object] | Sequence[str]) -> str:
    return ", ".join(names)


def _values(trials: Sequence[Trial]) -> str:
    return f"{len(trials)} set{'s' * (len(trials) != 1)} of values"


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

    def _differing(self, name: str, one: Compiled) -> list[bool]:
        pairs = [(self.right[name].function(*inputs), one.function(*inputs)) for inputs in self._random_inputs(name)]
        return [any(_apart(right[i], found[i]) for right, found in pairs) for i in range(len(one.formula.outputs))]

    def _random_inputs(self, name: str) -> Iterator[Arrays]:
        """Inputs of the shapes that the formula gets, of several sizes, half of them positive."""
        random = np.random.default_rng(self.seed)
        shapes = [np.shape(array) for array in next(iter(self._calls(name)), ())]
        for i in range(DRAWS if shapes else 0):
            drawn = [SIZES[i % len(SIZES)] * random.standard_normal(shape) for shape in shapes]
            yield tuple(np.abs(one) + TINY for one in drawn) if i % 2 else tuple(drawn)

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
    def calls(self) -> int:
        return sum(1 for name in self.others for _ in self._calls(name))

    @property
    def still(self) -> str:
        """The inputs that are zero at every call; pieces and steps that are one number at all of them."""
        found: dict[str, set[float]] = {}
        for name in self.others:
            for inputs in self._calls(name):
                for leaf, array in zip(self.right[name].formula.inputs, inputs, strict=True):
                    found.setdefault(leaf.name, set()).update(np.unique(array).tolist())
        alone = {leaf: values.pop() for leaf, values in found.items() if len(values) == 1}
        said = [f"{leaf} = {value:g}" for leaf, value in alone.items() if value == 0 or leaf.startswith(FIXED)]
        return f", with {', '.join(said)}" if said else ""


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

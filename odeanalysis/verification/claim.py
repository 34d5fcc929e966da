"""`Claim`: a statement as printed and as it should read, with a proof, a measurement, and a verdict that is computed from them."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Problem
from odeanalysis.verification.figure import Figure, texts
from odeanalysis.verification.proof import Step
from odeanalysis.verification.ways import WAYS, base

ID = re.compile(r"[\w.-]+")
CLEAR = 100.0
ENOUGH = 2
MISSING = 0.5


@dataclass(frozen=True)
class Check:
    """One measurement against its bound; `passed` says whether it backs the verdict, None that it cannot decide.

    sign: how a good measurement stands to the bound.
    """

    sign: ClassVar[str] = "<="
    name: str
    measured: float
    bound: float
    passed: bool | None


class Floor(Check):
    """A check whose measurement must not fall below the bound, such as a slope."""

    sign = ">="


def within(name: str, measured: float, bound: float) -> Check:
    """The check that a measurement keeps its bound; one that is not a number does not."""
    return Check(name, float(measured), bound, bool(measured <= bound))


@dataclass(frozen=True)
class Gap:
    """How far a form of a claim missed on one instance, measured in one way, beside the bound it had to keep.

    way: one of the table in `ways.py`, with what is done in it behind a comma. Raises ModelError for another one, and for a bound of 0.
    """

    instance: str
    way: str
    measured: float
    bound: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "measured", float(self.measured))
        base(self.way)
        if not self.bound > 0:
            raise ModelError(f"the bound of {self.instance!r} is {self.bound}; give one above 0, from the errors of the methods")

    @property
    def kept(self) -> bool:
        return self.measured <= self.bound

    @property
    def clearly_missed(self) -> bool:
        """Missed by so much that no rounding explains it; what is not a number decides nothing."""
        return self.measured >= CLEAR * self.bound


@dataclass(frozen=True)
class Form:
    """One reading of a claim (printed, corrected, sabotaged) with what was measured of it.

    same: of a printed form, why the sentence is the corrected statement, letter by letter; empty where it was measured by itself.
    """

    gaps: tuple[Gap, ...]
    same: str = ""

    def as_printed(self, why: str) -> "Form":
        """The printed form where the sentence and the corrected statement are one."""
        return replace(self, same=why)

    @property
    def instances(self) -> dict[str, list[Gap]]:
        """The gaps of each instance."""
        found: dict[str, list[Gap]] = {}
        for gap in self.gaps:
            found.setdefault(gap.instance, []).append(gap)
        return found

    @property
    def two_ways(self) -> bool:
        """Whether every instance was measured in two ways or more, one of which uses nothing of ours."""
        return bool(self.gaps) and all(map(_independent, self.instances.values()))

    @property
    def passes(self) -> bool:
        return self.two_ways and all(gap.kept for gap in self.gaps)

    @property
    def fails(self) -> bool:
        """On some instance every way of measuring misses clearly, of two or more, one of which uses nothing of ours."""
        return any(_independent(gaps) and all(gap.clearly_missed for gap in gaps) for gaps in self.instances.values())

    @property
    def worst(self) -> Gap:
        return max(self.gaps, key=lambda gap: gap.measured / gap.bound if gap.measured == gap.measured else float("inf"))


def _independent(gaps: Iterable[Gap]) -> bool:
    found = {base(gap.way) for gap in gaps}
    return len(found) >= ENOUGH and not all(WAYS[one].ours for one in found)


def refused(name: str, form: Form) -> Check:
    """The check that every way of measuring a form misses clearly on some instance: that what is sabotaged would be noticed."""
    worst = form.worst
    return Check(f"{name}, {worst.way}: {worst.instance}", worst.measured, worst.bound, form.fails)


@dataclass(frozen=True)
class Sentence:
    """Another sentence that is printed beside a claim, with what was measured of it.

    printed: quoted.  meant: the reading that is measured, by `form`.  instead: what holds.  example: where the reading fails, as small as
    it could be made.
    """

    printed: str
    meant: str
    instead: str
    form: Form
    example: dict[str, Any] | None

    @property
    def finding(self) -> str:
        """supported, unsupported, or undecided: from the measurements alone."""
        if self.form.passes:
            return "supported"
        return "unsupported" if self.form.fails and self.example is not None else "undecided"


@dataclass(frozen=True)
class Evidence:
    """What was measured of a claim.

    corrected: the claim as it should read.  sabotaged: a variant that must be refused.
    printed: the sentence that is quoted, to the letter; None where none is.
    restored: the printed conclusion with the term or the hypothesis that the correction adds; None where nothing restores it.
    counterexample: where the print fails, as small as it could be made.  extra: more checks, such as the hypotheses, on instances, of a
    theorem from outside.  figures: what was measured, to be drawn.  beside: other sentences of the print, with what is found of them.
    """

    corrected: Form
    sabotaged: Form
    printed: Form | None = None
    restored: Form | None = None
    counterexample: dict[str, Any] | None = None
    extra: tuple[Check, ...] = ()
    figures: tuple[Figure, ...] = ()
    beside: tuple[Sentence, ...] = ()


@dataclass(frozen=True)
class Theorem:
    """A theorem from outside on which a proof rests: its name, where it stands, and how its hypotheses and consequence are checked here."""

    name: str
    source: str
    checked: str


@dataclass(frozen=True)
class Claim:
    """A statement that can be proved, measured and broken.

    printed: the paper's sentence (None where it prints none).  corrected: as it should read.  prove: -> the steps of the proof.
    measure: seed -> Evidence.  rests_on: theorems from outside that the proof uses.  shown: a problem whose derivation the report prints.
    Raises ModelError for an id that is no name, and for what is no text or tuple of texts.
    """

    id: str
    title: str
    source: str
    printed: str | None
    corrected: str
    hypotheses: tuple[str, ...]
    prove: Callable[[], Iterable[Step]]
    measure: Callable[[int], Evidence]
    rests_on: tuple[Theorem, ...] = ()
    shown: Callable[[], Problem] | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.id, str) and ID.fullmatch(self.id)):
            raise ModelError(f"{self.id!r} is no id of a claim; give one of letters, digits, '-', '_' and '.'")
        if not isinstance(self.hypotheses, tuple):
            raise ModelError(f"the claim {self.id!r} has hypotheses {self.hypotheses!r}; give a tuple of texts, as in ('f is Lipschitz',)")
        printed = () if self.printed is None else (self.printed,)
        texts(f"the claim {self.id!r}", (self.title, self.source, self.corrected, *printed, *self.hypotheses))


def verdict(claim: Claim, evidence: Evidence, proved: bool) -> str:
    """holds, holds as corrected, false as stated, or inconclusive: from the proof and the measurements alone.

    A sentence that is quoted has to be measured: else its claim is inconclusive. Raises ModelError where one is measured and not
    quoted, or measured by the corrected form without a word.
    """
    _checked(claim, evidence)
    if not (proved and evidence.corrected.passes and evidence.sabotaged.fails):
        return "inconclusive"
    return "holds" if claim.printed is None else _of_a_print(evidence)


def _checked(claim: Claim, evidence: Evidence) -> None:
    if claim.printed is None and evidence.printed is not None:
        raise ModelError(f"the claim {claim.id!r} quotes no sentence, but a printed form was measured; quote it, or give no printed form")
    if evidence.printed is not None and evidence.printed == evidence.corrected:
        raise ModelError(
            f"the claim {claim.id!r} measures its print by the corrected form; measure the sentence by itself, or say with as_printed why "
            "both are one statement"
        )


def _of_a_print(evidence: Evidence) -> str:
    if evidence.printed is None:
        return "inconclusive"
    if evidence.printed.passes:
        return "holds"
    return _of_a_false_print(evidence.restored) if evidence.printed.fails else "inconclusive"


def _of_a_false_print(restored: Form | None) -> str:
    if restored is None or restored.fails:
        return "false as stated"
    return "holds as corrected" if restored.passes else "inconclusive"


def checks(claim: Claim, evidence: Evidence, proof: Iterable[Step]) -> tuple[Check, ...]:
    """All measurements as lines of a report."""
    return (
        *(Check(f"proof: {step.title}", 0.0 if step.holds else 1.0, 0.0, step.holds) for step in proof),
        *(Check(f"corrected, {gap.way}: {gap.instance}", gap.measured, gap.bound, gap.kept) for gap in evidence.corrected.gaps),
        *_of_the_sentence(claim, evidence),
        *(_decided(sentence) for sentence in evidence.beside),
        refused("sabotaged form refused", evidence.sabotaged),
        *evidence.extra,
    )


def _of_the_sentence(claim: Claim, evidence: Evidence) -> Iterator[Check]:
    if claim.printed is None:
        return
    if evidence.printed is None:
        yield within("sentences that are quoted and not measured", 1, MISSING)
        return
    worst, found = evidence.printed.worst, evidence.printed
    name = f"the print is right as it stands ({found.same})" if found.same else "printed form decided"
    yield Check(f"{name}, {worst.way}: {worst.instance}", worst.measured, worst.bound, found.passes or found.fails)
    if found.fails:
        yield within("counterexamples to the print that are missing", float(evidence.counterexample is None), MISSING)


def _decided(sentence: Sentence) -> Check:
    worst = sentence.form.worst
    name = f"a sentence beside it is {sentence.finding}, {worst.way}: {worst.instance}"
    return Check(name, worst.measured, worst.bound, sentence.finding != "undecided")

"""`verify`: runs claims, each by itself, and reports their verdicts."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from difflib import get_close_matches
from multiprocessing import get_context
from time import perf_counter

from odeanalysis.errors import ModelError, OdeAnalysisError
from odeanalysis.verification.claim import Check, Claim, Report, checks, verdict
from odeanalysis.verification.claims import CLAIMS

BROKEN = (OdeAnalysisError, ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def verify(ids: Iterable[str] = (), seed: int = 0, jobs: int = 1, executor: Executor | None = None) -> list[Report]:
    """The reports of claims (default: all), in their order.

    seed: makes random instances repeatable.  jobs: processes.  executor: any `concurrent.futures.Executor` in their place.
    Raises ModelError for an unknown claim.
    """
    order = chosen(ids)
    found = {report.id: report for report in run(order, seed, jobs, executor)}
    return [found[name] for name in order]


def run(ids: Iterable[str] = (), seed: int = 0, jobs: int = 1, executor: Executor | None = None) -> Iterator[Report]:
    """The reports as they are finished."""
    names = chosen(ids)
    if jobs == 1 and executor is None:
        yield from (examine(name, seed) for name in names)
        return
    with _pool(jobs, executor) as pool:
        for done in as_completed([pool.submit(examine, name, seed) for name in names]):
            yield done.result()


@contextmanager
def _pool(jobs: int, executor: Executor | None) -> Iterator[Executor]:
    if executor is not None:
        yield executor
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield pool


def chosen(ids: Iterable[str]) -> list[str]:
    """The ids asked for, or all; an unknown one is a ModelError."""
    names = list(ids)
    for name in names:
        if name not in CLAIMS:
            near = get_close_matches(name, CLAIMS, 1)
            hint = f"; did you mean {near[0]!r}" if near else ""
            raise ModelError(f"there is no claim {name!r}{hint}; the claims are {', '.join(CLAIMS)}")
    return names or list(CLAIMS)


def examine(name: str, seed: int) -> Report:
    """Proves and measures one claim. A step that raises is reported as a failed check, so that other claims go on."""
    claim, begun = CLAIMS[name], perf_counter()
    try:
        return _examined(claim, seed, begun)
    except BROKEN as error:
        failed = Check(f"ran to its end: {type(error).__name__}: {error}", 1.0, 0.0, False)
        return Report(name, claim.title, claim.printed, claim.corrected, "inconclusive", (failed,), None, perf_counter() - begun)


def _examined(claim: Claim, seed: int, begun: float) -> Report:
    proof = tuple(claim.prove())
    evidence = claim.measure(seed)
    return Report(
        claim.id,
        claim.title,
        claim.printed,
        claim.corrected,
        verdict(evidence, bool(proof) and all(step.holds for step in proof)),
        checks(evidence, proof),
        evidence.counterexample if evidence.printed is not None and evidence.printed.fails else None,
        perf_counter() - begun,
        proof,
        evidence.figures,
    )

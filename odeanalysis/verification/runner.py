"""`verify`: runs claims, each by itself, and reports their verdicts."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from hypothesis.errors import HypothesisException

from odeanalysis.errors import OdeAnalysisError
from odeanalysis.verification.catalogue import chosen, find
from odeanalysis.verification.journal import Journal
from odeanalysis.verification.report import Report, broken, concluded

# what a wrong proof, measurement or derivation raises; it is reported, so that other claims go on
BROKEN = (
    *(OdeAnalysisError, HypothesisException, ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError),
    *(OSError, RuntimeError, TypeError, ValueError),
)


def verify(
    ids: Iterable[str] = (), seed: int = 0, jobs: int = 1, executor: Executor | None = None, resume: Path | None = None
) -> list[Report]:
    """The reports of claims (default: all), in their order.

    ids: claims, or Python files that hold some.  seed: makes random instances repeatable.  jobs: processes.
    executor: any `concurrent.futures.Executor` in their place.  resume: a file in which finished claims are kept, and looked up first.
    Raises ModelError for an unknown claim.
    """
    order = chosen(ids)
    found = dict(run(order, seed, jobs, executor, resume))
    return [found[reference] for reference in order]


def run(
    references: Iterable[str], seed: int = 0, jobs: int = 1, executor: Executor | None = None, resume: Path | None = None
) -> Iterator[tuple[str, Report]]:
    """The claims with their reports, as they are finished; those kept by an earlier run come first."""
    journal = None if resume is None else Journal(resume, seed)
    kept = {} if journal is None else journal.finished()
    wanted = list(references)
    yield from ((one, kept[one]) for one in wanted if one in kept)
    for reference, report in _examined([one for one in wanted if one not in kept], seed, jobs, executor):
        if journal is not None:
            journal.keep(reference, report)
        yield reference, report


def _examined(references: list[str], seed: int, jobs: int, executor: Executor | None) -> Iterator[tuple[str, Report]]:
    if executor is None and (jobs == 1 or len(references) < 2):
        yield from ((one, examine(one, seed)) for one in references)
        return
    with _pool(min(jobs, len(references)), executor) as pool:
        futures = {pool.submit(examine, one, seed): one for one in references}
        for done in as_completed(futures):
            yield futures[done], done.result()


@contextmanager
def _pool(jobs: int, executor: Executor | None) -> Iterator[Executor]:
    if executor is not None:
        yield executor
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield pool


def examine(reference: str, seed: int) -> Report:
    """Proves and measures one claim. A step that raises is reported as a failed check."""
    claim, begun = find(reference), perf_counter()
    try:
        proof = tuple(claim.prove())
        evidence = claim.measure(seed)
    except BROKEN as error:
        return broken(claim, error, perf_counter() - begun)
    return concluded(claim, proof, evidence, perf_counter() - begun)

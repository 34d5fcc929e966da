"""`verify`: runs claims, each by itself, and reports their verdicts."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from signal import SIG_DFL, SIGINT, signal
from time import perf_counter

from odeanalysis.derivations.adjoint import adjoint
from odeanalysis.verification.border import Raised, border
from odeanalysis.verification.catalogue import at_home, chosen, find
from odeanalysis.verification.claim import Claim, Evidence
from odeanalysis.verification.journal import Journal
from odeanalysis.verification.proof import Step
from odeanalysis.verification.report import Report, concluded, unfinished

DIED = "its process ended before it had a result: it was killed, ran out of memory, or the claim itself ended it"


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
    """The claims with their reports, as they are finished; those kept by an earlier run come first.

    Raises ModelError at once where `resume` is another file.
    """
    journal = None if resume is None else Journal(resume, seed)
    kept = {} if journal is None else journal.finished()
    return _run(list(references), seed, jobs, executor, journal, kept)


def _run(
    wanted: list[str], seed: int, jobs: int, executor: Executor | None, journal: Journal | None, kept: Mapping[str, Report]
) -> Iterator[tuple[str, Report]]:
    yield from ((one, kept[one]) for one in wanted if one in kept)
    for reference, report in _examined([one for one in wanted if one not in kept], seed, jobs, executor):
        if journal is not None and report.finished:
            journal.keep(reference, report)
        yield reference, report


def _examined(references: list[str], seed: int, jobs: int, executor: Executor | None) -> Iterator[tuple[str, Report]]:
    if executor is not None:
        yield from ((one, _told(one, done)) for one, done in _done(executor, references, seed))
    elif jobs == 1:
        yield from ((one, examine(one, seed)) for one in references)
    else:
        yield from _in_processes(references, seed, jobs)


def _in_processes(references: list[str], seed: int, jobs: int) -> Iterator[tuple[str, Report]]:
    """A process that dies takes all claims of its pool with it; each of them is then run by itself, so that the one to blame is found."""
    lost = []
    with _processes(min(jobs, max(len(references), 1))) as pool:
        for one, done in _done(pool, references, seed):
            if isinstance(done.exception(), BrokenExecutor):
                lost.append(one)
            else:
                yield one, _told(one, done)
    with ThreadPoolExecutor(jobs) as threads:
        alone = {threads.submit(_by_itself, one, seed): one for one in lost}
        yield from ((alone[done], _told(alone[done], done)) for done in as_completed(alone))


def _by_itself(reference: str, seed: int) -> Report:
    with _processes(1) as pool:
        return pool.submit(examine, reference, seed).result()


@contextmanager
def _processes(jobs: int) -> Iterator[Executor]:
    # a wish to stop, which a terminal sends to all processes, ends the workers at once: else they would go on to the next claim
    at_once = {"initializer": signal, "initargs": (SIGINT, SIG_DFL)}
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), **at_once)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _done(pool: Executor, references: list[str], seed: int) -> Iterator[tuple[str, Future[Report]]]:
    """Claims with their futures, as they are done."""
    futures = {_submitted(pool, one, seed): one for one in references}
    yield from ((futures[done], done) for done in as_completed(futures))


def _submitted(pool: Executor, reference: str, seed: int) -> Future[Report]:
    """A claim's future; of one that the executor does not take, it is done."""
    try:
        return pool.submit(examine, reference, seed)
    except RuntimeError as refusal:
        refused = Future[Report]()
        refused.set_exception(refusal)
        return refused


def _told(reference: str, done: Future[Report]) -> Report:
    """The report of a claim; of one whose worker was lost, or could not load it, one that says so."""
    error = CancelledError() if done.cancelled() else done.exception()
    if error is None:
        return done.result()
    reason = DIED if isinstance(error, BrokenExecutor) else f"its worker failed: {_said(error)}"
    return unfinished(find(reference), reason, 0.0)


def examine(reference: str, seed: int) -> Report:
    """Proves and measures one claim. A step that raises is reported as a failed check."""
    claim, begun = find(reference), perf_counter()
    try:
        with border(), at_home(reference):
            return concluded(claim, *_worked_out(claim, seed), perf_counter() - begun)
    except Raised as error:
        return unfinished(claim, str(error), perf_counter() - begun)


def _worked_out(claim: Claim, seed: int) -> tuple[tuple[Step, ...], Evidence]:
    if claim.shown is not None:
        adjoint(claim.shown())  # what cannot be derived is found here, and not once the page is drawn
    return tuple(claim.prove()), claim.measure(seed)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"

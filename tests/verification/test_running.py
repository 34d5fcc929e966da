"""Running claims: in other processes, through any executor, where workers are lost, and where claims raise."""

import re
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from odeanalysis.verification import runner
from odeanalysis.verification.border import border
from odeanalysis.verification.claims import CLAIMS
from odeanalysis.verification.journal import Journal
from tests.verification.own import registered, several, told

CLAIM = "reflection"


@pytest.fixture(scope="module")
def told_here():
    return told(runner.examine(CLAIM, 0))


def test_any_executor(told_here):
    with ThreadPoolExecutor(2) as pool:
        assert [told(one) for one in runner.verify([CLAIM], executor=pool)] == [told_here]


def test_a_local_dask_cluster(told_here):
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
        client.get_executor() as pool,
    ):
        found = runner.verify([CLAIM, "conditional-necessity"], executor=pool)
    assert told(found[0]) == told_here and found[1].verdict == "holds as corrected"


def test_reports_come_in_the_order_asked_for(tmp_path: Path):
    """Whichever is finished first."""
    path = tmp_path / "mine.py"
    path.write_text(several("slow: time.sleep(0.2)"), encoding="utf-8")
    for names in (["slow", "own"], ["own", "slow"]):
        with ThreadPoolExecutor(2) as pool:
            assert [one.id for one in runner.verify([f"{path}:{name}" for name in names], executor=pool)] == names


# ---------------------------------------------------------------- workers that are lost


def verdicts(reports) -> dict[str, str]:
    return {one.id: one.verdict for one in reports}


def test_a_process_that_dies_fails_its_claim_by_name_and_the_others_finish(tmp_path: Path):
    """It is killed once another claim is in the journal; a third is still to be run."""
    path, kept = tmp_path / "mine.py", tmp_path / "journal"
    kill = f"while not pathlib.Path({str(kept)!r}).exists(): time.sleep(0.01)\n    os.kill(os.getpid(), signal.SIGKILL)"
    path.write_text(several(f"killed: {kill}", "other: time.sleep(0.5)"), encoding="utf-8")
    asked = [f"{path}:{name}" for name in ("killed", "own", "other")]
    killed, *others = runner.verify(asked, jobs=2, resume=kept)
    assert verdicts(others) == {"own": "holds", "other": "holds"}
    assert (killed.id, killed.title, killed.backed) == ("killed", others[0].title, False)
    assert [check.name for check in killed.checks] == [f"ran to its end: {runner.DIED}"]
    assert set(Journal(kept, 0).finished()) == set(asked[1:])


def test_a_claim_that_ends_its_process_as_if_all_were_well(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(several("left: assert multiprocessing.parent_process(); os._exit(0)"), encoding="utf-8")
    (report,) = runner.verify([f"{path}:left"], jobs=2)
    assert report.checks[0].name.endswith(runner.DIED) and not report.backed


def test_what_a_worker_cannot_load_is_a_failed_claim(tmp_path: Path):
    """A file that is another one there, and a package that this process alone has."""
    path = tmp_path / "mine.py"
    elsewhere = "import multiprocessing\nif multiprocessing.parent_process():\n    raise OSError('not on this machine')\n"
    path.write_text(several(more=elsewhere), encoding="utf-8")
    with registered(replace(CLAIMS[CLAIM], id="theirs")):
        own, theirs, ours = runner.verify([f"{path}:own", "theirs", CLAIM], jobs=2)
    assert verdicts((own, theirs, ours)) == {"own": "inconclusive", "theirs": "inconclusive", CLAIM: "holds"}
    failed = "ran to its end: its worker failed: ModelError"
    assert own.checks[0].name == f"{failed}: {path} cannot be loaded: OSError: not on this machine"
    assert theirs.checks[0].name.startswith(f"{failed}: there is no claim 'theirs'")


class Lost(Exception):
    """An error of an executor's own."""


def failed(error: Exception) -> Future:
    done = Future()
    done.set_exception(error)
    return done


def refused() -> Future:
    raise RuntimeError("cannot schedule new futures after shutdown")


def cancelled() -> Future:
    done = Future()
    assert done.cancel() and not done.set_running_or_notify_cancel()
    return done


ANSWERS = {
    "its worker failed: Lost: its machine is gone": lambda: failed(Lost("its machine is gone")),
    "its worker failed: RuntimeError: cannot schedule new futures after shutdown": refused,
    "its worker failed: CancelledError: ": cancelled,
    runner.DIED: lambda: failed(BrokenExecutor("a worker")),
}


class Unsteady(Executor):
    """An executor that runs what it is given, but for the first."""

    def __init__(self, answer: Callable[[], Future]):
        self.answers = iter([answer])

    def submit(self, fn, /, *args, **kwargs):
        answer = next(self.answers, None)
        if answer is not None:
            return answer()
        done = Future()
        done.set_result(fn(*args, **kwargs))
        return done


@pytest.mark.parametrize("words", ANSWERS)
def test_errors_of_an_executor_fail_their_claim_and_no_other(words, told_here, tmp_path: Path):
    kept = tmp_path / "journal"
    found = runner.verify(["end-depth", CLAIM], executor=Unsteady(ANSWERS[words]), resume=kept)
    assert (found[0].id, found[0].checks[0].name) == ("end-depth", f"ran to its end: {words}") and not found[0].backed
    assert told(found[1]) == told_here and set(Journal(kept, 0).finished()) == {CLAIM}


# ---------------------------------------------------------------- claims that raise

MORE = "from odeanalysis.verification.claim import Check\nfrom odeanalysis.verification.figure import Figure, Line"
# what a measurement does, and how the report's only check ends
RAISED = {
    "raise SystemExit(0)": "SystemExit: 0",
    "raise MemoryError": "MemoryError: ",
    "raise SyntaxError('no Python')": "SyntaxError: no Python",
    "import sympy; sympy.poly(1)": "GeneratorsNeeded: .*",
    "assert False, 'x'": "AssertionError: x",
    "raise type('Mine', (Exception,), {})('of its own')": "Mine: of its own",
    "raise type('Mine', (BaseException,), {})('of its own')": "Mine: of its own",
    "return None": "AttributeError: .*",
    "return Evidence(form(1), form(2), counterexample={'f': print}, printed=form(3))": "ModelError: .* quotes no sentence.*",
    "return Evidence(form(1), form(2), extra=(Check('x', print, 1, True),))": "ModelError: .* gives back a builtin_function.* JSON .*",
    "Line('a', (1,), (1,), 'bars')": "ModelError: the line 'a' is of the kind 'bars'; use one of line, points, dashed",
    "Line('a', (1, 2), (1,))": "ModelError: the line 'a' has 2 values x and 1 values y; give as many of both",
    "Figure('f', 'x', 3, ())": "ModelError: the figure 'f' says 3, which is no text; write it as one",
    "Figure('f', 'x', 'y', (Line(None, (), ()),))": "ModelError: the figure 'f' says None, which is no text; write it as one",
    "return Evidence(form(1), form(2), figures=('f',))": "TypeError: .*",
    "return Evidence(form(1), form(2), extra=(Check('x', 0j, 1, True),))": "ModelError: a claim gives back a complex, .*",
}


@pytest.mark.parametrize("first", RAISED)
def test_what_a_claim_raises_ends_it_and_not_the_run(first, tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(several(f"wrong: {first}", more=MORE), encoding="utf-8")
    found = runner.verify([str(path)], resume=tmp_path / "journal")
    assert verdicts(found) == {"own": "holds", "wrong": "inconclusive"}
    assert re.fullmatch(f"ran to its end: {RAISED[first]}", found[1].checks[0].name), found[1].checks
    assert set(Journal(tmp_path / "journal", 0).finished()) == {f"{path}:own"}


def test_a_problem_that_cannot_be_shown_ends_its_claim(tmp_path: Path):
    """And not the page, once all claims have been run."""
    path = tmp_path / "mine.py"
    path.write_text(several("wrong", more="def shown(): raise ValueError('no')").replace("id='wrong'", "id='wrong', shown=shown"))
    found = runner.verify([str(path)])
    assert verdicts(found) == {"own": "holds", "wrong": "inconclusive"} and found[1].checks[0].name == "ran to its end: ValueError: no"


def test_a_wish_to_stop_passes_the_border():
    with pytest.raises(KeyboardInterrupt), border():
        raise KeyboardInterrupt


def test_a_report_is_what_json_gives_back(tmp_path: Path):
    """NumPy's numbers and arrays in it are lists, whether it comes from this process, from another or from a journal."""
    example = "{'at': np.zeros(2), 'of': (np.float32(0.5), np.int64(3))}"
    more = (
        f"import numpy as np\ndef measure(seed): return Evidence(form(1), form(2), form(9), None, {example})\n"
        "WRONG = replace(OWN, id='wrong', printed='z', measure=measure)"
    )
    path = tmp_path / "mine.py"
    path.write_text(several(more=more), encoding="utf-8")
    for jobs, kept in ((1, tmp_path / "journal"), (1, tmp_path / "journal"), (2, None)):
        (report,) = runner.verify([f"{path}:wrong"], jobs=jobs, resume=kept)
        assert report.backed and report.counterexample == {"at": [0.0, 0.0], "of": [0.5, 3]}

"""Runs that go on where they stopped: what is kept of them, for which state of the library, the machine and the claims, and how."""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

import odeanalysis as oda
from odeanalysis.verification import journal, runner
from odeanalysis.verification.claim import Check, Floor
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.files import sources
from odeanalysis.verification.journal import Journal, fingerprint, source_mark
from odeanalysis.verification.report import document, report_from
from tests.verification.own import OWN, registered, several, told

CLAIM = "reflection"


@pytest.fixture(scope="module")
def told_here():
    return told(runner.examine(CLAIM, 0))


def test_a_finished_claim_is_not_run_again(tmp_path: Path, monkeypatch, told_here):
    kept = tmp_path / "journal"
    assert told(runner.verify([CLAIM], resume=kept)[0]) == told_here
    monkeypatch.setattr(runner, "examine", lambda reference, seed: pytest.fail("it was run again"))
    assert told(runner.verify([CLAIM], resume=kept)[0]) == told_here


# ---------------------------------------------------------------- a run that is killed

STOPS = """
def wait(seed):
    pathlib.Path({begun!r}).touch()
    if pathlib.Path({stop!r}).exists():
        time.sleep(600)
    return OWN.measure(seed)
"""


def test_a_run_that_was_killed_goes_on_where_it_stopped(tmp_path: Path):
    """Killed in its second claim; the first is not run again, and all reports are those of a run that nothing disturbed."""
    path, kept, stop, begun, count = (tmp_path / name for name in ("mine.py", "journal", "stop", "begun", "count"))
    first = f"open({str(count)!r}, 'a').write('once ')"
    path.write_text(several(f"first: {first}", "second: wait(seed)", "third", more=STOPS.format(begun=str(begun), stop=str(stop))))
    asked = [f"{path}:{name}" for name in ("first", "second", "third")]
    stop.touch()
    run = subprocess.Popen([sys.executable, "-m", "odeanalysis", "verify", *asked, "--resume", str(kept)], stdout=subprocess.PIPE)
    assert run.stdout is not None
    while not begun.exists():
        assert run.poll() is None, "the run ended by itself"
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL and b"third" not in run.stdout.read()
    assert set(Journal(kept, 0).finished()) == set(asked[:1])

    stop.unlink()
    resumed = runner.verify(asked, resume=kept)
    assert count.read_text() == "once "
    assert [told(one) for one in resumed] == [told(one) for one in runner.verify(asked)]
    assert [(one.id, one.verdict) for one in resumed] == [(name, "holds") for name in ("first", "second", "third")]


def _heard() -> None:
    """The wish is not ignored, as it is by what a shell starts behind its back, such as these tests."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_wish_to_stop_ends_all_processes_at_once(tmp_path: Path, jobs: str):
    """As a terminal sends it: to every process of the command. More claims wait than there are processes."""
    path, begun = tmp_path / "mine.py", tmp_path / "begun"
    begun.mkdir()
    wait = f"pathlib.Path({str(begun)!r}, str(os.getpid())).touch(); time.sleep(600)"
    path.write_text(several(*(f"{name}: {wait}" for name in ("first", "second", "third", "fourth"))), encoding="utf-8")
    asked = [f"{path}:{name}" for name in ("first", "second", "third", "fourth")]
    command = [sys.executable, "-m", "odeanalysis", "verify", *asked, "--jobs", jobs]
    run = subprocess.Popen(command, start_new_session=True, preexec_fn=_heard, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(list(begun.iterdir())) < int(jobs):
        assert run.poll() is None, "the run ended by itself"
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGINT)
    try:
        _, said = run.communicate(timeout=60)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == 130 and said.endswith("error: interrupted\n") and "Traceback" not in said
    assert len(list(begun.iterdir())) == int(jobs)


# ---------------------------------------------------------------- for which state

STATES = {
    "library": (journal, "_hash", lambda paths: "another"),
    "package": (journal, "version", lambda name: "0.0"),
    "Python": (platform, "python_version", lambda: "3.99.0"),
    "implementation": (platform, "python_implementation", lambda: "Another"),
    "system": (platform, "system", lambda: "Another"),
    "machine": (platform, "machine", lambda: "another"),
}


@pytest.fixture
def marked_anew():
    fingerprint.cache_clear()
    yield
    fingerprint.cache_clear()


@pytest.mark.parametrize("change", [*STATES, "seed"])
def test_a_claim_of_another_state_is_run_again(tmp_path: Path, monkeypatch, marked_anew, change, told_here):
    Journal(tmp_path / "journal", 0).keep(CLAIM, told_here)
    assert Journal(tmp_path / "journal", 0).finished() == {CLAIM: told_here}
    fingerprint.cache_clear()
    if change in STATES:
        monkeypatch.setattr(*STATES[change])
    assert Journal(tmp_path / "journal", int(change == "seed")).finished() == {}


def test_a_claim_of_a_file_that_was_edited_is_run_again(tmp_path: Path):
    path, kept = tmp_path / "mine.py", tmp_path / "journal"
    path.write_text(OWN, encoding="utf-8")
    reference = f"{path}:own"
    Journal(kept, 0).keep(reference, runner.examine(reference, 0))
    assert set(Journal(kept, 0).finished()) == {reference}
    path.write_text(OWN.replace("form(1), form(2)", "form(2), form(2)"), encoding="utf-8")
    assert Journal(kept, 0).finished() == {}


NEIGHBOURS = {
    "the file itself": "mine.py",
    "what it imports": "near.py",
    "what that imports": "far.py",
    "what is imported late": "late.py",
    "a package": "parts/deep/inner.py",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file of claims, with files beside it that have a part in it, and one that has none."""
    texts = {
        "mine.py": OWN + "\nimport near\nfrom parts import deep\n\ndef f():\n    import late\n",
        "near.py": "from far import x\nimport numpy\n",
        "far.py": "x = 1\n",
        "late.py": "",
        "parts/__init__.py": "",
        "parts/deep/__init__.py": "from . import inner\n",
        "parts/deep/inner.py": "",
        "other.py": "",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_a_file_is_another_one_where_a_file_that_it_imports_is_changed(folder: Path, name: str):
    before = source_mark(f"{folder / 'mine.py'}:own")
    with (folder / NEIGHBOURS[name]).open("a", encoding="utf-8") as file:
        file.write("y = 2\n")
    assert source_mark(f"{folder / 'mine.py'}:own") != before


def test_a_file_that_is_not_imported_has_no_part(folder: Path):
    before = source_mark(f"{folder / 'mine.py'}:own")
    (folder / "other.py").write_text("y = 2\n", encoding="utf-8")
    assert source_mark(f"{folder / 'mine.py'}:own") == before
    assert {one.name for one in sources(folder / "mine.py")} == {"mine.py", "near.py", "far.py", "late.py", "__init__.py", "inner.py"}


def test_a_claim_of_a_package_is_another_one_where_the_package_is_changed(folder: Path, monkeypatch):
    monkeypatch.syspath_prepend(folder)
    import_module("parts.deep")
    with registered(replace(runner.find(CLAIM), id="theirs"), module="parts.deep"):
        before = source_mark("theirs")
        (folder / "parts" / "deep" / "inner.py").write_text("y = 2\n", encoding="utf-8")
        assert before != "own" != source_mark("theirs") != before
    for name in ("parts", "parts.deep", "parts.deep.inner"):
        del sys.modules[name]
    assert source_mark(CLAIM) == "own"


# ---------------------------------------------------------------- the file


def test_a_line_that_was_cut_short_does_not_count(tmp_path: Path, told_here):
    path = tmp_path / "journal"
    Journal(path, 0).keep(CLAIM, told_here)
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole + whole[: len(whole) // 2], encoding="utf-8")
    assert Journal(path, 0).finished() == {CLAIM: told_here}
    Journal(path, 0).keep("end-depth", told_here)
    assert set(Journal(path, 0).finished()) == {CLAIM, "end-depth"}


def test_another_file_is_no_journal(tmp_path: Path):
    path = tmp_path / "journal"
    for content in (b'{"a": 1}\n', b"some notes\n", b"1", b"\xff\x00\n"):
        path.write_bytes(content)
        with pytest.raises(oda.ModelError, match="line 1: not a line of a journal"):
            runner.run([CLAIM], resume=path)  # at once, before it is asked for a report
        assert path.read_bytes() == content


@pytest.mark.parametrize("length", [1, 5, 8, 9, 40])
def test_a_line_that_was_cut_short_anywhere_does_not_count(tmp_path: Path, told_here, length: int):
    path = tmp_path / "journal"
    Journal(path, 0).keep(CLAIM, told_here)
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole + whole[:length], encoding="utf-8")
    Journal(path, 0).finished()
    Journal(path, 0).keep("end-depth", told_here)
    assert set(Journal(path, 0).finished()) == {CLAIM, "end-depth"}


def test_a_claim_whose_file_is_gone_does_not_count(tmp_path: Path, told_here):
    path, kept = tmp_path / "mine.py", tmp_path / "journal"
    path.write_text(OWN, encoding="utf-8")
    Journal(kept, 0).keep(f"{path}:own", told_here)
    Journal(kept, 0).keep(CLAIM, told_here)
    path.unlink()
    assert Journal(kept, 0).finished() == {CLAIM: told_here}


def test_reports_go_through_json_unchanged(told_here):
    drawn = replace(
        told_here,
        figures=(Figure("f", "x", "y", (line("l", [0, 1], [2, float("nan")], "dashed"),), logy=True),),
        checks=(Check("error", 0.0, 1e-9, True), Floor("slope", 2.0, 1.9, True)),
    )
    again = report_from(json.loads(json.dumps(document(drawn))))
    assert again == drawn and [check.sign for check in again.checks] == ["<=", ">="]
    assert [list(check)[4:] for check in document(drawn)["checks"]] == [[], ["sign"]]

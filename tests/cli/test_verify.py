"""`verify`: its table, its files, and its exit code."""

import json
import os
from pathlib import Path

import pytest

from odeanalysis.verification import runner
from odeanalysis.verification.claim import Check
from odeanalysis.verification.report import Report
from tests.cli.running import run

KEYS = ["id", "title", "printed", "corrected", "verdict", "checks", "counterexample", "seconds"]
MORE = ["source", "hypotheses", "rests_on", "proof", "figures", "beside", "derivation"]
CLAIM = "reflection"


FINE = Check("fine", 0.0, 1.0, True)


def reported(verdict="holds", checks=(FINE,)):
    return Report(CLAIM, "A <title>", None, "x", verdict, checks, {"x": [float("inf")]}, 0.1)


def test_a_claim_is_verified_and_written(tmp_path: Path):
    outcome = run("verify", CLAIM, "--json", tmp_path / "reports.json", "--html", tmp_path / "page")
    assert outcome.code == 0 and outcome.out.splitlines()[1].split()[:2] == [CLAIM, "holds"]
    (report,) = json.loads((tmp_path / "reports.json").read_text(encoding="utf-8"))
    assert list(report) == KEYS + MORE and report["id"] == CLAIM and report["verdict"] == "holds"
    assert all(list(check) == ["name", "measured", "bound", "passed"] and check["passed"] for check in report["checks"])
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and CLAIM in page and "http" not in page


def test_the_seed_is_passed_on(monkeypatch: pytest.MonkeyPatch):
    seen = []

    def noted(*arguments, resume):
        seen.append((*arguments, resume))
        return iter([(CLAIM, reported())])

    monkeypatch.setattr(runner, "run", noted)
    assert run("verify", CLAIM, "--seed", "7", "--jobs", "3").code == 0
    assert seen == [([CLAIM], 7, 3, None)]


UNBACKED = {
    "inconclusive": ("inconclusive", True),
    "a failed measurement": ("holds", False),
    "an undecided measurement": ("holds", None),
}


@pytest.mark.parametrize("name", UNBACKED)
def test_a_claim_that_is_not_backed_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str):
    verdict, passed = UNBACKED[name]
    checks = (Check("fine", 0.0, 1.0, True), Check("doubtful", float("nan"), 1.0, passed))
    report = reported(verdict, checks)
    monkeypatch.setattr(runner, "run", lambda names, seed, jobs, resume: iter([(CLAIM, report)]))
    outcome = run("verify", CLAIM, "--json", tmp_path / "r.json", "--html", tmp_path)
    assert outcome.code == 1 and CLAIM in outcome.err
    text = (tmp_path / "r.json").read_text(encoding="utf-8")
    assert "NaN" not in text and "Infinity" not in text and json.loads(text)[0]["counterexample"] == {"x": [None]}
    assert "&lt;title&gt;" in (tmp_path / "index.html").read_text(encoding="utf-8")


REFUSED = {
    "unknown claim": (["refection"], "did you mean 'reflection'"),
    "a seed below 0": ([CLAIM, "--seed", "-1"], "--seed -1"),
    "no jobs": ([CLAIM, "--jobs", "0"], "--jobs"),
    "no folder": ([CLAIM, "--json", "no/such/folder/r.json"], "no/such/folder"),
    "bad seed": ([CLAIM, "--seed", "x"], "--seed"),
    "no folder for the journal": ([CLAIM, "--resume", "no/such/folder/j"], "no/such/folder"),
    "a folder for a journal": ([CLAIM, "--resume", "."], "this is a folder"),
    "a file for a page": ([CLAIM, "--html", __file__], "this is a file"),
    "a page below a file": ([CLAIM, "--html", f"{__file__}/page"], f"{__file__} may not be written"),
    "another file for a journal": ([CLAIM, "--resume", __file__], f"{__file__}, line 1: not a line of a journal"),
    "one file for both": ([CLAIM, "--json", "one", "--resume", "./one"], "--json and --resume name one file, one"),
    "no such file of claims": (["nothing.py"], "there is no file nothing.py"),
    "a file without claims": ([__file__.replace("test_verify", "__init__")], "has no claim in it"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_arguments_are_refused(name: str):
    arguments, words = REFUSED[name]
    outcome = run("verify", *arguments)
    assert outcome.code == 2 and outcome.out == "" and words in outcome.err and outcome.err.count("error: ") == 1


@pytest.mark.parametrize("option", ["--json", "--html", "--resume"])
@pytest.mark.parametrize("there", [True, False], ids=["there", "new"])
def test_what_may_not_be_written_is_refused_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, there: bool):
    """The user of the tests may be one who may write everywhere: the answer of the system is stated."""
    place = tmp_path / "place"
    if there:
        place.mkdir() if option == "--html" else place.touch()
    asked = []
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK or asked.append(Path(path)))
    outcome = run("verify", CLAIM, option, place)
    assert outcome.code == 2 and outcome.out == "" and f"{option} {place}: " in outcome.err and "may not be written" in outcome.err
    assert asked == [place if there else tmp_path] and place.exists() == there


def test_a_wrong_name_leaves_no_folder_behind(tmp_path: Path):
    assert run("verify", "refection", "--html", tmp_path / "page").code == 2 and not (tmp_path / "page").exists()

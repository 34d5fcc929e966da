"""`verify`: its table, its files, and its exit code."""

import json
from pathlib import Path

import pytest

from odeanalysis.verification import runner
from odeanalysis.verification.claim import Check, Report
from tests.cli.running import run

KEYS = ["id", "title", "printed", "corrected", "verdict", "checks", "counterexample", "seconds"]
CLAIM = "reflection"


def test_a_claim_is_verified_and_written(tmp_path: Path):
    outcome = run("verify", CLAIM, "--json", tmp_path / "reports.json", "--html", tmp_path / "page")
    assert outcome.code == 0 and outcome.out.splitlines()[1].split()[:2] == [CLAIM, "holds"]
    (report,) = json.loads((tmp_path / "reports.json").read_text(encoding="utf-8"))
    assert list(report) == KEYS and report["id"] == CLAIM and report["verdict"] == "holds"
    assert all(list(check) == ["name", "measured", "bound", "passed"] and check["passed"] for check in report["checks"])
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and CLAIM in page and "http" not in page


def test_the_seed_is_passed_on(monkeypatch: pytest.MonkeyPatch):
    seen = []
    monkeypatch.setattr(runner, "run", lambda names, seed, jobs: seen.append((names, seed, jobs)) or iter(()))
    assert run("verify", CLAIM, "--seed", "7", "--jobs", "3").code == 0
    assert seen == [([CLAIM], 7, 3)]


UNBACKED = {
    "inconclusive": ("inconclusive", True),
    "a failed measurement": ("holds", False),
    "an undecided measurement": ("holds", None),
}


@pytest.mark.parametrize("name", UNBACKED)
def test_a_claim_that_is_not_backed_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str):
    verdict, passed = UNBACKED[name]
    checks = (Check("fine", 0.0, 1.0, True), Check("doubtful", float("nan"), 1.0, passed))
    report = Report(CLAIM, "A <title>", None, "x", verdict, checks, {"x": [float("inf")]}, 0.1)
    monkeypatch.setattr(runner, "run", lambda names, seed, jobs: iter([report]))
    outcome = run("verify", CLAIM, "--json", tmp_path / "r.json", "--html", tmp_path)
    assert outcome.code == 1 and CLAIM in outcome.err
    text = (tmp_path / "r.json").read_text(encoding="utf-8")
    assert "NaN" not in text and "Infinity" not in text and json.loads(text)[0]["counterexample"] == {"x": [None]}
    assert "A &lt;title&gt;" in (tmp_path / "index.html").read_text(encoding="utf-8")


REFUSED = {
    "unknown claim": (["refection"], "did you mean 'reflection'"),
    "no jobs": ([CLAIM, "--jobs", "0"], "--jobs"),
    "no folder": ([CLAIM, "--json", "no/such/folder/r.json"], "no/such/folder"),
    "bad seed": ([CLAIM, "--seed", "x"], "--seed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_arguments_are_refused(name: str):
    arguments, words = REFUSED[name]
    outcome = run("verify", *arguments)
    assert outcome.code == 2 and outcome.out == "" and words in outcome.err

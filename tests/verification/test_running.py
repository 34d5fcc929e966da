"""Running claims: in other processes, through any executor, resumed, from a file of a user's own, by entry points."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

import odeanalysis as oda
from odeanalysis.verification import catalogue, journal, runner
from odeanalysis.verification.claims import CLAIMS
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.journal import Journal
from odeanalysis.verification.report import document, report_from

CLAIM = "reflection"
OWN = """
import sympy as sp

from odeanalysis.verification.claim import Claim, Evidence, Form, Gap
from odeanalysis.verification.proof import identity

s = sp.Symbol("s", real=True)


def form(value):
    return Form((Gap("z' = -z from 1", "closed form", abs(value - 1), 1e-9), Gap("z' = -z from 1", "again", abs(value - 1), 1e-9)))


OWN = Claim(
    id="own",
    title="e^-s solves z' = -z",
    source="a textbook",
    printed=None,
    corrected="z = e^-s",
    hypotheses=(),
    prove=lambda: [identity("it solves the equation", sp.Derivative(sp.exp(-s), s), -sp.exp(-s))],
    measure=lambda seed: Evidence(form(1), form(2)),
)
"""


def told(report):
    """All that a report says but how long it took."""
    return replace(report, seconds=0.0)


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
        found = runner.verify([CLAIM, "second-order"], executor=pool)
    assert told(found[0]) == told_here and found[1].verdict == "holds"


# ---------------------------------------------------------------- resuming


def test_a_finished_claim_is_not_run_again(tmp_path: Path, monkeypatch, told_here):
    kept = tmp_path / "journal"
    assert told(runner.verify([CLAIM], resume=kept)[0]) == told_here
    monkeypatch.setattr(runner, "examine", lambda reference, seed: pytest.fail("it was run again"))
    assert told(runner.verify([CLAIM], resume=kept)[0]) == told_here


@pytest.mark.parametrize("change", ["seed", "library"])
def test_a_claim_of_another_seed_or_state_of_the_library_is_run_again(tmp_path: Path, monkeypatch, change, told_here):
    Journal(tmp_path / "journal", 0).keep(CLAIM, told_here)
    if change == "library":
        monkeypatch.setattr(journal, "fingerprint", lambda: "another")
    assert Journal(tmp_path / "journal", int(change == "seed")).finished() == {}


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
    path.write_text('{"a": 1}\n', encoding="utf-8")
    with pytest.raises(oda.ModelError, match="line 1: not a line of a journal"):
        Journal(path, 0).finished()


def test_reports_go_through_json_unchanged(told_here):
    drawn = replace(told_here, figures=(Figure("f", "x", "y", (line("l", [0, 1], [2, float("nan")], "dashed"),), logy=True),))
    assert report_from(json.loads(json.dumps(document(drawn)))) == drawn


def test_a_claim_of_a_file_that_was_edited_is_run_again(tmp_path: Path):
    path, kept = tmp_path / "mine.py", tmp_path / "journal"
    path.write_text(OWN, encoding="utf-8")
    assert runner.verify([str(path)], resume=kept)[0].verdict == "holds"
    path.write_text(OWN.replace("form(1), form(2)", "form(2), form(2)"), encoding="utf-8")
    catalogue._in_file.cache_clear()
    assert runner.verify([str(path)], resume=kept)[0].verdict == "inconclusive"


# ---------------------------------------------------------------- claims from elsewhere


def test_claims_of_a_file(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(OWN, encoding="utf-8")
    (report,) = runner.verify([str(path)])
    assert (report.id, report.verdict, report.backed) == ("own", "holds", True)
    assert runner.verify([f"{path}:own"], jobs=2)[0].verdict == "holds"
    with pytest.raises(oda.ModelError, match=r"there is no claim 'onw'; did you mean 'own'"):
        runner.verify([f"{path}:onw"])


def test_a_file_that_cannot_be_loaded(tmp_path: Path):
    path = tmp_path / "broken.py"
    path.write_text("import nothing_of_this_name", encoding="utf-8")
    with pytest.raises(oda.ModelError, match="cannot be loaded: ModuleNotFoundError"):
        runner.verify([str(path)])


def test_claims_of_installed_packages(monkeypatch):
    class Entry:
        name = "theirs"

        @staticmethod
        def load():
            return replace(CLAIMS[CLAIM], id="theirs")

    monkeypatch.setattr(catalogue, "entry_points", lambda group: [Entry] if group == "odeanalysis.claims" else [])
    catalogue._registered.cache_clear()
    try:
        assert "theirs" in catalogue.known() and runner.verify(["theirs"])[0].verdict == "holds"
    finally:
        catalogue._registered.cache_clear()


class Unwelcome:
    """An entry point that cannot be loaded, or that takes the id of one of ours."""

    def __init__(self, found):
        self.name, self.found = "unwelcome", found

    def load(self):
        if self.found is None:
            raise ImportError("nothing of this name")
        return self.found


@pytest.mark.parametrize("found", [None, CLAIMS[CLAIM], "no claim"], ids=["not loaded", "an id of ours", "no claim"])
def test_an_unwelcome_entry_is_left_out_with_a_warning(monkeypatch, found):
    monkeypatch.setattr(catalogue, "entry_points", lambda group: [Unwelcome(found)])
    catalogue._registered.cache_clear()
    try:
        with pytest.warns(UserWarning, match="'unwelcome' of an installed package"):
            assert catalogue.known() == CLAIMS
    finally:
        catalogue._registered.cache_clear()

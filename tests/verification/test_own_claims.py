"""Claims from elsewhere: those of a user's file with its neighbours, and those of installed packages."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

import odeanalysis as oda
from odeanalysis.verification import catalogue, runner
from odeanalysis.verification.claims import CLAIMS
from tests.verification.own import OWN, registered, several

CLAIM = "reflection"


@pytest.fixture
def as_before():
    """Python's path and modules have to be as they were, but for modules that are named after files of claims."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    assert sys.path == path
    new = {name for name in set(sys.modules) - modules if "near" in name or "late" in name}
    assert not new


def test_claims_of_a_file(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(OWN, encoding="utf-8")
    (report,) = runner.verify([str(path)])
    assert (report.id, report.verdict, report.backed) == ("own", "holds", True)
    assert report.checks[0].name == "proof: it solves the equation (symbolic)"
    with pytest.raises(oda.ModelError, match=r"there is no claim 'onw'; did you mean 'own'"):
        runner.verify([f"{path}:onw"])


def test_modules_that_make_up_their_attributes_do_no_harm(tmp_path: Path, monkeypatch):
    """Such as `torch.classes`, whose `__path__` is no list."""

    class Making(ModuleType):
        def __getattr__(self, name: str) -> object:
            return object()

    monkeypatch.setitem(sys.modules, "made.up", Making("made.up"))
    path = tmp_path / "mine.py"
    path.write_text(OWN, encoding="utf-8")
    assert runner.verify([str(path)])[0].verdict == "holds"


def test_a_file_whose_dataclasses_and_pickles_ask_for_their_module(tmp_path: Path):
    path = tmp_path / "mine.py"
    more = "@dataclass\nclass Mine:\n    size: int\n\n\nassert pickle.loads(pickle.dumps(Mine(1))) == Mine(1)\n"
    path.write_text(
        f"from __future__ import annotations\nimport pickle\nfrom dataclasses import dataclass\n{OWN}\n{more}", encoding="utf-8"
    )
    assert runner.verify([str(path)])[0].verdict == "holds"


def beside(folder: Path, value: int) -> Path:
    """A file whose claim needs two files beside it, one when it is loaded, one when it is measured; it holds for 1."""
    folder.mkdir()
    (folder / "near.py").write_text(f"VALUE = {value}\n", encoding="utf-8")
    (folder / "late.py").write_text("from near import VALUE as LATE\n", encoding="utf-8")
    path = folder / "mine.py"
    text = several(
        f"{folder.name}: import late; pickle.dumps(Mine()); return Evidence(form(late.LATE), form(2))",
        more="import near, pickle\nassert near.VALUE in (1, 2)\nclass Mine: pass",
    )
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("jobs", [1, 2])
def test_files_with_neighbours_of_the_same_names_do_not_clash(tmp_path: Path, as_before, jobs):
    paths = [beside(tmp_path / name, value) for name, value in (("a", 1), ("b", 2), ("c", 1))]
    found = runner.verify([f"{path}:{path.parent.name}" for path in paths], jobs=jobs)
    assert [report.verdict for report in found] == ["holds", "inconclusive", "holds"], found


def test_a_neighbour_that_is_not_there(tmp_path: Path, as_before):
    path = beside(tmp_path / "a", 1)
    (path.parent / "near.py").unlink()
    with pytest.raises(oda.ModelError, match=r"mine\.py cannot be loaded: ModuleNotFoundError: No module named 'near'"):
        runner.verify([str(path)])


def test_a_file_in_a_folder_of_pythons_path_shares_its_modules(tmp_path: Path, monkeypatch):
    """As in a script or a notebook: what is imported from there is there already, and stays."""
    path = beside(tmp_path / "a", 1)
    monkeypatch.syspath_prepend(path.parent)
    assert runner.verify([f"{path}:a"])[0].verdict == "holds"
    assert sys.modules.pop("near").VALUE == sys.modules.pop("late").LATE == 1


CANNOT = {
    "import nothing_of_this_name": "ModuleNotFoundError",
    "raise RuntimeError('no')": "RuntimeError: no",
    "assert False": "AssertionError",
    "def": "SyntaxError",
    "raise SystemExit(0)": "SystemExit: 0",
    "raise type('Mine', (BaseException,), {})('no')": "Mine: no",
}
# what is stated of a claim, what is stated in its place, and what is wrong with that
MISSTATED = {
    "a name of two words": ('id="own"', 'id="own claim:1"', "'own claim:1' is no id of a claim"),
    "a number for an id": ('id="own"', "id=1", "1 is no id of a claim"),
    "a text for hypotheses": ("hypotheses=()", 'hypotheses="f is C^1"', "the claim 'own' has hypotheses 'f is C^1'; give a tuple of texts"),
    "a number for a hypothesis": ("hypotheses=()", "hypotheses=(1,)", "the claim 'own' says 1, which is no text"),
    "a formula for a print": ("printed=None", "printed=sp.Integer(2)", "the claim 'own' says 2, which is no text"),
    "no source": ('source="a textbook"', "source=None", "the claim 'own' says None, which is no text"),
}


@pytest.mark.parametrize("wrong", MISSTATED)
def test_a_claim_that_is_stated_wrong_is_refused(tmp_path: Path, wrong: str):
    right, stated, message = MISSTATED[wrong]
    path = tmp_path / "wrong.py"
    assert right in OWN
    path.write_text(OWN.replace(right, stated), encoding="utf-8")
    with pytest.raises(oda.ModelError, match=re.escape(f"cannot be loaded: ModelError: {message}")):
        runner.verify([str(path)])


@pytest.mark.parametrize("text", CANNOT)
def test_a_file_that_cannot_be_loaded(tmp_path: Path, text: str):
    path = tmp_path / "broken.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(oda.ModelError, match=f"cannot be loaded: {CANNOT[text]}"):
        runner.verify([str(path)])


def test_two_claims_of_one_id_are_refused(tmp_path: Path):
    """In one file, in two, and beside one of ours; one claim of two names is no other."""
    same, other, ours = (tmp_path / name for name in ("same.py", "other.py", "ours.py"))
    same.write_text(several("own"), encoding="utf-8")
    with pytest.raises(oda.ModelError, match=r"same\.py has two claims of the id 'own'"):
        catalogue.chosen([str(same)])
    other.write_text(f"{OWN}\nAGAIN = OWN\n", encoding="utf-8")
    ours.write_text(OWN.replace('id="own"', f'id="{CLAIM}"'), encoding="utf-8")
    again = tmp_path / "again.py"
    again.write_text(OWN, encoding="utf-8")
    assert catalogue.chosen([str(other), str(other), CLAIM]) == [f"{other}:own", CLAIM]
    for first, second in ((f"{other}:own", f"{again}:own"), (f"{ours}:{CLAIM}", CLAIM)):
        with pytest.raises(oda.ModelError, match=f"{re.escape(first)} and {re.escape(second)} are claims of one id"):
            catalogue.chosen([first, second])


def test_claims_of_installed_packages():
    with registered(replace(CLAIMS[CLAIM], id="theirs")):
        assert "theirs" in catalogue.known() and runner.verify(["theirs"])[0].verdict == "holds"


def test_the_second_entry_of_an_id_is_left_out_with_a_warning():
    first, second = (replace(CLAIMS[CLAIM], id="theirs", title=title) for title in ("first", "second"))
    with registered(first, second), pytest.warns(UserWarning, match="'theirs' of an installed package"):
        assert catalogue.known()["theirs"] == first


@pytest.mark.parametrize("found", [None, CLAIMS[CLAIM], "no claim"], ids=["not loaded", "an id of ours", "no claim"])
def test_an_unwelcome_entry_is_left_out_with_a_warning(found):
    with registered(found), pytest.warns(UserWarning, match="'theirs' of an installed package"):
        assert catalogue.known() == CLAIMS

"""`odeanalysis verify` over all claims. This file comes last: what the tests before it have examined is taken from their journals."""

import json
import re
import subprocess
import sys
from pathlib import Path

from odeanalysis.verification.claims import CLAIMS
from tests.reports.balance import Balance
from tests.verification.test_claims import VERDICTS


def test_every_claim_has_its_verdict_in_the_table_in_the_reports_and_on_the_page(journals: Path, tmp_path: Path):
    """One test, so that workers come to it last."""
    kept, reports, page = tmp_path / "journal", tmp_path / "reports.json", tmp_path / "page"
    kept.write_text("\n".join(one.read_text(encoding="utf-8") for one in sorted(journals.iterdir())), encoding="utf-8")
    options = ["--jobs", "2", "--resume", kept, "--json", reports, "--html", page]
    run = subprocess.run([sys.executable, "-m", "odeanalysis", "verify", *map(str, options)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = json.loads(reports.read_text(encoding="utf-8"))
    check_reports(found)
    check_table(run.stdout, {one["id"]: len(one["checks"]) for one in found})
    check_page((page / "index.html").read_text(encoding="utf-8"))


def check_table(printed: str, checks: dict[str, int]) -> None:
    """A row for each claim, in the order in which they were finished; every check of it has passed."""
    header, *lines = printed.splitlines()
    assert header.split() == ["claim", "verdict", "checks", "seconds"]
    cells = [re.split(r"\s{2,}", line) for line in lines]
    assert sorted(row[:3] for row in cells) == sorted([name, VERDICTS[name], f"{checks[name]}/{checks[name]}"] for name in CLAIMS)
    assert all(float(row[3]) >= 0 for row in cells)


def check_reports(reports: list[dict]) -> None:
    assert [one["id"] for one in reports] == list(CLAIMS) and {one["id"]: one["verdict"] for one in reports} == VERDICTS
    for one in reports:
        assert all(check["passed"] for check in one["checks"]) and one["derivation"] and one["figures"], one["id"]
        assert bool(one["counterexample"]) == (one["verdict"] != "holds"), one["id"]
        proof = [check["name"] for check in one["checks"] if check["name"].startswith("proof: ")]
        assert proof == [f"proof: {step['title']} ({step['way']})" for step in one["proof"]]


def check_page(page: str) -> None:
    balance = Balance()
    balance.feed(page)
    assert not balance.open and not balance.wrong and len(balance.ids) == len(set(balance.ids))
    assert set(CLAIMS) <= set(balance.ids) and "http" not in page
    badge = r'<span class="badge [a-z-]+">([a-z ]+)</span>'
    sections = re.findall(rf'<h2 id="([^"]+)">.*?</h2>\s*<p>{badge}', page, re.DOTALL)
    rows = re.findall(rf'<tr><td><a href="#([^"]+)">\1</a></td><td>(?:.*?)</td><td>{badge}</td>', page)
    assert sections == rows == [(name, VERDICTS[name]) for name in CLAIMS]

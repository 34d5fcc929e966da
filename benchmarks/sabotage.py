"""Which claims notice one wrong sign in a derivation: `python -m benchmarks.sabotage [NUMBER...]`.

Each change is made in a copy of the package, on which all claims are then verified. A change is caught where `verify` ends with 1 and names
a claim. It takes as many minutes as there are changes, times those of `verify`.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGE = Path(__file__).resolve().parent.parent / "odeanalysis"


@dataclass(frozen=True)
class Change:
    """One text in one file, and what takes its place."""

    file: str
    old: str
    new: str


CHANGES = (
    Change("derivations/adjoint.py", "ex.negative(gradient[state])", "gradient[state]"),
    Change("derivations/adjoint.py", "COST.name: ex.ones()", "COST.name: ex.negative(ex.ones())"),
    Change("derivations/runge_kutta.py", "stated.depth + c * H", "stated.depth - c * H"),
    Change("derivations/rosenbrock.py", "ex.mul(-1, H, tableau.gamma, jacobian)", "ex.mul(H, tableau.gamma, jacobian)"),
    Change("derivations/implicit.py", "ex.mul(-weight, H, jacobian)", "ex.mul(weight, H, jacobian)"),
    Change("derivations/closed_forms.py", "(start + ratio) - ratio", "(start - ratio) - ratio"),
    Change("derivations/closed_forms.py", "sp.exp(-root * elapsed)) / 2", "sp.exp(root * elapsed)) / 2"),
    Change("derivations/exponentials.py", "(row[i + 1] - row[i])", "(row[i + 1] + row[i])"),
    Change("derivations/parts.py", "where(p.condition, 1, 0)", "where(p.condition, 0, 1)"),
    Change("symbolic/calculus/divergence.py", "{DIVERGENCE: ex.add(*parts)}", "{DIVERGENCE: ex.negative(ex.add(*parts))}"),
    Change("modeling/transforms/total_jacobian.py", "ex.add(carried, _block", "ex.add(ex.negative(carried), _block"),
    Change("modeling/transforms/data_control.py", "ex.concat(old, carried)", "ex.concat(carried, old)"),
    Change("modeling/transforms/galerkin.py", "(ex.concat(*functions)", "(ex.concat(*functions[::-1])"),
    Change("modeling/transforms/regularize.py", "weights[0] * kinetic_energy", "-weights[0] * kinetic_energy"),
    Change("numerics/gradients/boundary.py", "back.nodes[:, 0] += found", "back.nodes[:, 0] -= found"),
)


def caught(change: Change) -> list[str]:
    """The claims that are not backed once a change is made."""
    with TemporaryDirectory() as folder:
        shutil.copytree(PACKAGE, Path(folder, PACKAGE.name), ignore=shutil.ignore_patterns("__pycache__"))
        path = Path(folder, PACKAGE.name, change.file)
        text = path.read_text(encoding="utf-8")
        if text.count(change.old) != 1:
            raise SystemExit(f"{change.file} has {text.count(change.old)} places {change.old!r}; state the change anew")
        path.write_text(text.replace(change.old, change.new), encoding="utf-8")
        command = [sys.executable, "-m", "odeanalysis", "verify", "--jobs", "2", "--json", "reports.json"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if ended.returncode != 1:
            return []
        reports = json.loads(Path(folder, "reports.json").read_text(encoding="utf-8"))
        return [one["id"] for one in reports if one["verdict"] == "inconclusive" or not all(check["passed"] for check in one["checks"])]


def main() -> None:
    for change in [CHANGES[int(number) - 1] for number in sys.argv[1:]] or CHANGES:
        names = caught(change)
        found = f"caught by {', '.join(names)}" if names else "NOT CAUGHT"
        print(f"{change.file}: {change.old} -> {change.new}: {found}", flush=True)


if __name__ == "__main__":
    main()

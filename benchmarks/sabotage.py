"""Which claims notice one wrong sign in a derivation: `python -m benchmarks.sabotage [--all] [NUMBER...]`.

Each change is made in a copy of the package, on which the claims beside it are then verified, or with `--all` every claim. A change is
caught where `verify` ends with 1 and names a claim.
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
    """One text in one file, what takes its place, and the claims that should notice."""

    file: str
    old: str
    new: str
    claims: tuple[str, ...]


CHANGES = (
    Change("derivations/adjoint.py", "ex.negative(gradient[state])", "gradient[state]", ("end-depth",)),
    Change("derivations/adjoint.py", "COST.name: ex.ones()", "COST.name: ex.negative(ex.ones())", ("integral-regularizers",)),
    Change("derivations/runge_kutta.py", "stated.depth + c * H", "stated.depth - c * H", ("discrete-adjoint",)),
    Change(
        "derivations/rosenbrock.py", "ex.mul(-1, H, tableau.gamma, jacobian)", "ex.mul(H, tableau.gamma, jacobian)", ("discrete-adjoint",)
    ),
    Change("derivations/implicit.py", "ex.mul(-weight, H, jacobian)", "ex.mul(weight, H, jacobian)", ("discrete-adjoint",)),
    Change("derivations/closed_forms.py", "(start + ratio) - ratio", "(start - ratio) - ratio", ("generalized-adjoint",)),
    Change("derivations/closed_forms.py", "sp.exp(-root * elapsed)) / 2", "sp.exp(root * elapsed)) / 2", ("generalized-adjoint",)),
    Change("derivations/solution.py", "depths[1]) - running.subs", "depths[1]) + running.subs", ("generalized-adjoint",)),
    Change("derivations/antiderivatives.py", "(-1) ** j", "(+1) ** j", ("generalized-adjoint",)),
    Change(
        "derivations/exponentials.py",
        "(row[i + 1] - row[i])",
        "(row[i + 1] + row[i])",
        ("higher-order", "deep-limit", "well-posedness", "generalized-adjoint"),
    ),
    Change("derivations/parts.py", "where(p.condition, 1, 0)", "where(p.condition, 0, 1)", ("observations",)),
    Change(
        "symbolic/calculus/divergence.py", "{DIVERGENCE: ex.add(*parts)}", "{DIVERGENCE: ex.negative(ex.add(*parts))}", ("flow-divergence",)
    ),
    Change(
        "modeling/transforms/total_jacobian.py",
        "ex.add(carried, _block",
        "ex.add(ex.negative(carried), _block",
        ("flow-divergence", "conditional-flow"),
    ),
    Change("modeling/transforms/data_control.py", "ex.concat(old, carried)", "ex.concat(carried, old)", ("data-control",)),
    Change(
        "modeling/transforms/galerkin.py", "(ex.concat(*functions)", "(ex.concat(*functions[::-1])", ("spectral-gradient", "orientation")
    ),
    Change("modeling/transforms/regularize.py", "weights[0] * kinetic_energy", "-weights[0] * kinetic_energy", ("integral-regularizers",)),
    Change("numerics/gradients/boundary.py", "back.nodes[:, 0] += found", "back.nodes[:, 0] -= found", ("end-depth",)),
)


def caught(change: Change, everything: bool) -> list[str]:
    """The claims that are not backed once a change is made."""
    with TemporaryDirectory() as folder:
        shutil.copytree(PACKAGE, Path(folder, PACKAGE.name), ignore=shutil.ignore_patterns("__pycache__"))
        path = Path(folder, PACKAGE.name, change.file)
        text = path.read_text(encoding="utf-8")
        if text.count(change.old) != 1:
            raise SystemExit(f"{change.file} has {text.count(change.old)} places {change.old!r}; state the change anew")
        path.write_text(text.replace(change.old, change.new), encoding="utf-8")
        claims = () if everything else change.claims
        command = [sys.executable, "-m", "odeanalysis", "verify", *claims, "--jobs", "2", "--json", "reports.json"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if ended.returncode != 1:
            return []
        reports = json.loads(Path(folder, "reports.json").read_text(encoding="utf-8"))
        return [one["id"] for one in reports if one["verdict"] == "inconclusive" or not all(check["passed"] for check in one["checks"])]


def main() -> None:
    everything, numbers = "--all" in sys.argv, [int(word) for word in sys.argv[1:] if word != "--all"]
    for change in [CHANGES[number - 1] for number in numbers] or CHANGES:
        names = caught(change, everything)
        found = f"caught by {', '.join(names)}" if names else "NOT CAUGHT"
        print(f"{change.file}: {change.old} -> {change.new}: {found}", flush=True)


if __name__ == "__main__":
    main()

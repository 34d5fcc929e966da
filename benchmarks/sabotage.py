"""Which claims notice one wrong sign in a derivation: `python -m benchmarks.sabotage [--all] [NUMBER...]`.

Each change is made in a copy of the package, on which the claims beside it are then verified, or with `--all` every claim. A change is
caught where `verify` ends with 1 and names a claim. Before them, the same claims have to be backed without any change.
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


def failing(change: Change | None, claims: tuple[str, ...]) -> list[str]:
    """The claims, of those named or of all, that are not backed by a copy of the package in which a change was made, or none."""
    with TemporaryDirectory() as folder:
        shutil.copytree(PACKAGE, Path(folder, PACKAGE.name), ignore=shutil.ignore_patterns("__pycache__"))
        if change is not None:
            make(change, Path(folder, PACKAGE.name, change.file))
        command = [sys.executable, "-m", "odeanalysis", "verify", *claims, "--jobs", "2", "--json", "reports.json"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        written = Path(folder, "reports.json")
        if ended.returncode not in (0, 1) or not written.exists():
            raise SystemExit(f"verify ended with {ended.returncode} and no reports:\n{ended.stderr}")
        reports = json.loads(written.read_text(encoding="utf-8"))
    found = [one["id"] for one in reports if one["verdict"] == "inconclusive" or not all(check["passed"] for check in one["checks"])]
    if bool(found) != bool(ended.returncode):
        raise SystemExit(f"verify ended with {ended.returncode}, while its reports tell of {found or 'no claim'}")
    return found


def make(change: Change, path: Path) -> None:
    """Writes a change into a file, in the one place where it can be made."""
    text = path.read_text(encoding="utf-8")
    if text.count(change.old) != 1:
        raise SystemExit(f"{change.file} has {text.count(change.old)} places {change.old!r}; state the change anew")
    path.write_text(text.replace(change.old, change.new), encoding="utf-8")


def control(claims: tuple[str, ...]) -> None:
    """Without any change nothing may fail, or what fails with one shows nothing."""
    names = failing(None, claims)
    if names:
        raise SystemExit(f"without a change: {', '.join(names)} not backed; mend that first")
    print(f"without a change: {', '.join(claims) or 'all claims'} backed", flush=True)


def main() -> None:
    everything, numbers = "--all" in sys.argv, [int(word) for word in sys.argv[1:] if word != "--all"]
    changes = [CHANGES[number - 1] for number in numbers] or CHANGES
    control(() if everything else tuple(sorted({claim for change in changes for claim in change.claims})))
    for change in changes:
        names = failing(change, () if everything else change.claims)
        found = f"caught by {', '.join(names)}" if names else "NOT CAUGHT"
        print(f"{change.file}: {change.old} -> {change.new}: {found}", flush=True)


if __name__ == "__main__":
    main()

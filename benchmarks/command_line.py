"""How long whole commands take: `python -m benchmarks.command_line`."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.timing import interleaved, machine, show

MODEL = """
domain = [0, 1.5]
[state]
z = []
[parameters]
theta = []
z0 = []
[field]
z = "theta*z"
[initial]
z = "z0"
[objective]
running = "theta**2*z**2"
"""
MARKS = {"odeanalysis --help": 0.5, "odeanalysis gradient": 1.5}


def command(*arguments: str):
    return lambda: subprocess.run([sys.executable, "-m", "odeanalysis", *arguments], check=True, capture_output=True)


def main() -> None:
    print(machine("sympy", "numpy", "scipy", "typer", "rich"))
    with TemporaryDirectory() as folder:
        model, values = Path(folder, "growth.toml"), Path(folder, "values.json")
        model.write_text(MODEL)
        values.write_text(json.dumps({"theta": 0.4, "z0": 1.2}))
        files = (str(model), str(values))
        rows = {
            "odeanalysis --help": command("--help"),
            "odeanalysis gradient": command("gradient", *files, "--json"),
            "odeanalysis derive": command("derive", files[0]),
            "odeanalysis check": command("check", *files, "--json"),
        }
        show("Whole commands", interleaved(rows, 7), MARKS)


if __name__ == "__main__":
    main()

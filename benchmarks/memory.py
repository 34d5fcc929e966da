"""Memory that a solve and its gradient take under each plan: `python -m benchmarks.memory`.

z' = tanh(W z) in 64 dimensions, batch 2048, float32, rk4, by numbers of steps: a state has 0.5 MB. Each entry is a process of its own: how
far the most memory that it ever held lies above what it held before the solve. The power is the slope of log memory over log steps.
"""

import argparse
import resource
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

import odeanalysis as oda
from benchmarks.timing import machine
from torchbridge import Checkpointed, Direct, DiscreteAdjoint, Full, NeuralODE, Reversible
from torchbridge.gradients.solving import Sensitivity

BATCH, WIDTH = 2048, 64
PLANS: dict[str, Sensitivity] = {
    "full": DiscreteAdjoint(Full()),
    "full, stages again": DiscreteAdjoint(Full(stages=False)),
    "checkpointed": DiscreteAdjoint(Checkpointed()),
    "reversible": DiscreteAdjoint(Reversible()),
    "autograd through the steps": Direct(),
}
STEPS = (16, 64, 256, 1024)
MOST = {"full": 256, "autograd through the steps": 256}  # beyond, their tapes do not fit


def stated() -> oda.Model:
    z, x, W = oda.block("z", WIDTH), oda.block("x", WIDTH), oda.block("W", WIDTH, WIDTH)
    return oda.Model({z: oda.tanh(W @ z)}, {z: x}, (0, 1), (W,), (x,))


def held() -> float:
    """The most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def taken(plan: str, steps: int) -> float:
    """The MB that one solve and its gradient take."""
    torch.set_num_threads(1)
    data = torch.randn(BATCH, WIDTH)
    flow, small = (NeuralODE(stated(), method="rk4", steps=n, own_steps=False, sensitivity=PLANS[plan]) for n in (steps, 1))
    small(data).square().mean().backward()
    before = held()
    flow(data).square().mean().backward()
    return held() - before


def measured(plan: str, steps: int) -> float:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", "--plan", plan, "--steps", str(steps)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def power(steps: Sequence[int], memory: Sequence[float]) -> float:
    """The exponent between the last two."""
    return float(np.log(memory[-1] / memory[-2]) / np.log(steps[-1] / steps[-2]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", choices=PLANS)
    parser.add_argument("--steps", type=int)
    options = parser.parse_args()
    if options.plan:
        print(taken(options.plan, options.steps))
        return
    table = Table(title="MB above what the process held before", title_justify="left")
    for heading in ("plan", *(f"{steps} steps" for steps in STEPS), "power"):
        table.add_column(heading, justify="left" if heading == "plan" else "right")
    for plan in PLANS:
        steps = [one for one in STEPS if one <= MOST.get(plan, STEPS[-1])]
        memory = [measured(plan, one) for one in steps]
        table.add_row(plan, *(f"{one:.1f}" for one in memory), *[""] * (len(STEPS) - len(memory)), f"{power(steps, memory):.2f}")
    print(machine("torch"))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

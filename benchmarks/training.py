"""A training step of a small neural ODE on the CPU: `python -m benchmarks.training [--threads N]`.

W3: a 2-64-64-2 tanh network, batch 256, float32, the mean of abs(z(1))^2; value and gradient in all weights. W4: the same with Galerkin
weights, five harmonics of period 1 (eleven functions). Each by rk4 in 20 steps, and by dopri5 at 1e-4. Rows are timed in turn, after their
gradients were compared with a tight one in float64. Beside them stands the time of the bare products and hyperbolic tangents of as many
evaluations of the field as rk4 makes, forward and backward.
"""

import argparse
from collections.abc import Callable, Mapping
from importlib.util import find_spec

import numpy as np
import torch

from benchmarks.timing import interleaved, machine, show
from benchmarks.training_rows import ours, peers
from benchmarks.training_rows.problem import Weights, data, reference, weights

METHODS: Mapping[str, dict[str, object]] = {"rk4, 20 steps": {"method": "rk4", "steps": 20}, "dopri5, 1e-4": {"method": "dopri5"}}
Row = Callable[[], Weights]


def bare(evaluations: int) -> Callable[[], object]:
    """The products of matrices and the tangents of a forward and a backward pass over so many evaluations of the network."""
    x, w = data(), {name: torch.tensor(value) for name, value in weights(0).items()}

    def run() -> object:
        kept: object = None
        for _ in range(evaluations):
            first = torch.tanh(torch.addmm(w["b1"], x, w["W1"].T))
            second = torch.tanh(torch.addmm(w["b2"], first, w["W2"].T))
            out = torch.addmm(w["b3"], second, w["W3"].T)
            back = out @ w["W3"]
            before = back @ w["W2"]
            kept = before @ w["W1"], out.T @ second, back.T @ first, before.T @ x
        return kept

    return run


def error(found: Weights, right: Weights) -> float:
    """The largest difference of two gradients, over the largest entry."""
    size = max(float(np.abs(value).max()) for value in right.values())
    return max(float(np.abs(found[name] - right[name]).max()) for name in right) / size


def compare(harmonics: int, method: str, rounds: int) -> None:
    """One table: every row's error, then the times."""
    right = reference(harmonics)
    rows: dict[str, Row] = {**ours.rows(harmonics, METHODS[method]), **peers.rows(harmonics, METHODS[method])}
    for name, row in rows.items():
        print(f"  {name}: gradient off by {error(row(), right):.1e}")
    title = f"{'W4' if harmonics else 'W3'}, {method}: value and gradient"
    show(title, interleaved({**rows, "bare products and tanh, 80 evaluations": bare(80)}, rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(machine("torch", "torchdiffeq", "diffrax", "jax"), f"{options.threads} thread{'s' * (options.threads > 1)}")
    print("not installed: " + (", ".join(name for name in ("torchdiffeq", "diffrax") if find_spec(name) is None) or "nothing"))
    for harmonics in (0, 5):
        for method in METHODS:
            compare(harmonics, method, options.rounds)


if __name__ == "__main__":
    main()

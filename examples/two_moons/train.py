"""Two moons, told apart by a stated neural ODE whose weights are functions of depth (five Fourier modes)."""

import argparse

import numpy as np
import torch
from torch import nn

import odeanalysis as oda
from torchbridge import NeuralODE


def stated(width: int) -> oda.Model:
    """z' = W2(s) tanh(W1(s) z + b1(s)), z(0) = x: a Galerkin field of one hidden layer on [0, 1]."""
    z, x = oda.block("z", 2), oda.block("x", 2)
    W1, b1, W2 = oda.block("W1", width, 2), oda.block("b1", width), oda.block("W2", 2, width)
    field = {z: W2 @ oda.tanh(W1 @ z + b1)}
    model = oda.Model(field=field, initial={z: x}, domain=(0, 1), parameters=[W1, b1, W2], inputs=[x], name="two_moons")
    return oda.galerkin(model, {name: oda.Fourier(5, period=1) for name in ("W1", "b1", "W2")})


def moons(count: int, noise: float, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Points [count, 2] of two half circles that reach into each other, and their classes [count]."""
    label = np.arange(count) % 2
    angle = rng.uniform(0, np.pi, count)
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], 1)
    points = np.where(label[:, None] == 0, upper, lower) + noise * rng.standard_normal((count, 2))
    return torch.tensor(points, dtype=torch.float32), torch.tensor(label)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    flow = NeuralODE(stated(16), method="dopri5", rtol=1e-3, atol=1e-3, own_steps=False)
    classifier = nn.Sequential(flow, nn.Linear(2, 2))
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=0.02)
    x, label = moons(512, 0.1, rng)
    for step in range(1, options.steps + 1):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(classifier(x), label)
        loss.backward()
        optimizer.step()
        if step % 50 == 0 or step == options.steps:
            print(f"step {step:4d}   loss {loss.item():.4f}   steps of the solver {flow.statistics['steps']}")
    x, label = moons(2000, 0.1, rng)
    accuracy = (classifier(x).argmax(1) == label).float().mean().item()
    print(f"accuracy on new points: {100 * accuracy:.1f} %")


if __name__ == "__main__":
    main()

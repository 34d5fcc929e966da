"""Images of bars, told apart by a neural ODE whose field is a convolutional module: its gradient needs no derivation by hand."""

import argparse

import torch
from torch import nn

from torchbridge import NeuralODE

SIDE, CHANNELS = 12, 8


def bars(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Images [count, 1, SIDE, SIDE] of a level (0) or an upright (1) bar in noise, and their classes [count]."""
    label = torch.randint(2, (count,), generator=generator)
    place = torch.randint(SIDE - 2, (count, 1), generator=generator)
    row = torch.arange(SIDE)
    bar = ((row >= place) & (row < place + 2)).float()
    level = bar[:, :, None].expand(-1, -1, SIDE)
    image = torch.where(label[:, None, None] == 0, level, level.mT)
    return (image + 0.8 * torch.randn(count, SIDE, SIDE, generator=generator))[:, None], label


def network() -> tuple[nn.Module, NeuralODE]:
    """A convolution to CHANNELS maps, the flow of a convolutional field on them, and a linear read-out."""
    field = nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.Tanh(), nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1))
    flow = NeuralODE(field, method="rk4", steps=4)
    head = nn.Sequential(nn.AdaptiveMaxPool2d(4), nn.Flatten(), nn.Linear(16 * CHANNELS, 2))
    return nn.Sequential(nn.Conv2d(1, CHANNELS, 3, padding=1), flow, head), flow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    generator = torch.Generator().manual_seed(options.seed)
    classifier, flow = network()
    optimizer = torch.optim.Adam(classifier.parameters(), lr=5e-3)
    for step in range(1, options.steps + 1):
        image, label = bars(64, generator)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(classifier(image), label)
        loss.backward()
        optimizer.step()
        if step % 20 == 0 or step == options.steps:
            print(f"step {step:4d}   loss {loss.item():.4f}   evaluations of the field {flow.statistics['evaluations']}")
    image, label = bars(1000, generator)
    with torch.no_grad():
        accuracy = (classifier(image).argmax(1) == label).float().mean().item()
    print(f"accuracy on new images: {100 * accuracy:.1f} %")


if __name__ == "__main__":
    main()

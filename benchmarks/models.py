"""The models that benchmarks derive and run; `tag` makes names fresh, so that nothing is remembered from an earlier round."""

import numpy as np

import odeanalysis as oda


def network(width: int, tag: str = "") -> oda.Problem:
    """A tanh network with two hidden layers, all of whose weights are wanted: 2 - width - width - 2."""
    z, x, y = oda.block(f"z{tag}", 2), oda.block(f"x{tag}", 2), oda.block(f"y{tag}", 2)
    W1, b1 = oda.block(f"W1{tag}", width, 2), oda.block(f"b1{tag}", width)
    W2, b2 = oda.block(f"W2{tag}", width, width), oda.block(f"b2{tag}", width)
    W3, b3 = oda.block(f"W3{tag}", 2, width), oda.block(f"b3{tag}", 2)
    field = W3 @ oda.tanh(W2 @ oda.tanh(W1 @ z + b1) + b2) + b3
    model = oda.Model({z: field}, {z: x}, (0, 1), (W1, b1, W2, b2, W3, b3), (x, y), name=f"network{tag}")
    return oda.Problem(model, oda.Objective(terminal=oda.sumsq(z - y), running=oda.sumsq(z) / 100))


def network_values(width: int, batch: int, tag: str = "") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {"W1": (width, 2), "b1": (width,), "W2": (width, width), "b2": (width,), "W3": (2, width), "b3": (2,)}
    values = {f"{name}{tag}": rng.standard_normal(shape) / np.sqrt(shape[-1]) for name, shape in shapes.items()}
    return {**values, f"x{tag}": rng.standard_normal((batch, 2)), f"y{tag}": rng.standard_normal((batch, 2))}


def kinetics(species: int = 20, rates: int = 60, tag: str = "") -> oda.Problem:
    """Enzymatic conversions around a ring and across it, with saturation: `species` states, `rates` parameters."""
    c = [oda.block(f"c{i}{tag}") for i in range(species)]
    k = [oda.block(f"k{i}{tag}") for i in range(rates)]
    change = [0] * species
    for i in range(species):
        j, across = (i + 1) % species, (i + 7) % species
        saturated = k[3 * i % rates] * c[i] / (k[(3 * i + 1) % rates] + c[i] + c[across] ** 2)
        paired = k[(3 * i + 2) % rates] * c[i] * c[j]
        for place, flow in ((i, -saturated - paired), (j, saturated - paired), (across, paired)):
            change[place] = change[place] + flow
    model = oda.Model(dict(zip(c, change, strict=True)), dict.fromkeys(c, 1), (0, 1), k, name=f"kinetics{tag}")
    return oda.Problem(model, oda.Objective(terminal=sum(one**2 for one in c)))

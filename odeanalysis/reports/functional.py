"""Figures of function-space gradients: the gradient over depth, its best approximations in bases, its point masses."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from odeanalysis.modeling.bases import Basis
from odeanalysis.numerics.functional.family import family
from odeanalysis.numerics.functional.gradient import FunctionalGradient
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.reports import axes
from odeanalysis.reports.trajectory import components

STYLES = ("--", ":", "-.")
JUMP, NEAR = 1e-6, 1e-12


def figure(gradient: FunctionalGradient, bases: Mapping[str, Basis] | None = None, title: str = "") -> Any:
    """(dell/dtheta)(s), broken where it jumps, with the share of its energy that lies outside the span of each basis.

    bases: label -> basis; its best approximation is drawn too.
    """
    problem = gradient.run.setting.problem
    batch = gradient.run.setting.batch if gradient.own else None
    shown = (title or f"{problem.name}: gradient in {gradient.name} as a function") + axes.among(batch)
    drawn = axes.panels(1, problem.model.depth.name, shown)
    (axis,) = drawn.axes
    depth = depths(gradient)
    for b, i, name, curve in _curves(gradient, gradient(depth)):
        axis.plot(depth, _broken(gradient, depth, curve), color=axes.color(i), alpha=axes.fade(batch), label=_label(name, b, i))
    for k, (label, basis) in enumerate((bases or {}).items()):
        share = float(np.max(gradient.outside(basis)))
        for b, i, _, curve in _curves(gradient, _approximation(gradient, basis, depth)):
            said = f"{label}: {share:.2g} of the energy outside" if b == i == 0 else None
            style = STYLES[k % len(STYLES)]
            axis.plot(depth, curve, style, color=axes.color(i + (k + 1) * _count(gradient)), alpha=axes.fade(batch), label=said)
    _draw_masses(axis, gradient)
    axis.set_ylabel(f"d loss / d {gradient.name}")
    axes.legend(axis)
    return drawn.figure


def depths(gradient: FunctionalGradient) -> Array:
    """Depths of the domain, two of them at each depth at which the gradient may jump, one on each side."""
    nodes = np.unique(gradient.density.grid.nodes)
    parts = [np.linspace(low, high, max(3, axes.SMOOTH // len(nodes))) for low, high in pairwise(nodes)]
    inside = [np.concatenate([[np.nextafter(part[0], part[1])], part[1:-1], [np.nextafter(part[-1], part[0])]]) for part in parts]
    return np.concatenate(inside) if inside else nodes


def _broken(gradient: FunctionalGradient, depth: Array, curve: Array) -> Array:
    """A curve with a gap between the two sides of each depth at which it may jump: lines are drawn to the side of s0 only."""
    apart = np.abs(np.diff(curve, prepend=curve[:1])) > JUMP * np.ptp(curve)
    near = np.diff(depth, prepend=depth[:1]) < NEAR * np.ptp(depth)
    return np.where(apart & near, np.nan, curve)


def _curves(gradient: FunctionalGradient, found: Array) -> Iterator[tuple[int, int, str, Array]]:
    """Sample, component, its name, and its values [M], of values [M, *shape] or [B, M, *shape]."""
    for b, sample in enumerate((found if gradient.own else found[None])[: axes.SAMPLES]):
        for i, (name, curve) in enumerate(components(gradient.name, sample)):
            yield b, i, name, curve


def _approximation(gradient: FunctionalGradient, basis: Basis, depth: Array) -> Array:
    setting = gradient.run.setting
    psi = family(setting, basis)(np.broadcast_to(depth, (setting.batch, len(depth))))
    found = gradient.coefficients(basis)
    return np.einsum("bkp,bp...->bk...", psi, found) if gradient.own else np.einsum("kp,p...->k...", psi[0], found)


def _draw_masses(axis: Any, gradient: FunctionalGradient) -> None:
    masses = gradient.masses
    for b, (depth, weight) in enumerate(zip(masses.depth[: axes.SAMPLES], masses.weight, strict=False)):
        for i, (name, heights) in enumerate(components(gradient.name, weight)):
            label = f"{name}, point masses" if b == i == 0 and len(masses) else None
            axis.vlines(depth, 0, heights, color=axes.color(i), alpha=axes.fade(len(masses.depth)), linewidth=1, label=label)
            axis.plot(depth, heights, "D", color=axes.color(i), alpha=axes.fade(len(masses.depth)), markersize=4.5)


def _label(name: str, sample: int, component: int) -> str | None:
    return name if sample == 0 and component < axes.LABELS else None


def _count(gradient: FunctionalGradient) -> int:
    return int(np.prod(gradient.shape))

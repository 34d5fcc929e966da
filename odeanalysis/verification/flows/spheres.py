"""Spheres as meshes, and the degree of a map on them about a point: how often, and in which sense, the image goes around it."""

from dataclasses import dataclass
from itertools import product

import numpy as np

CIRCLE = 72
LEVELS = 2


@dataclass(frozen=True)
class Mesh:
    """points [N, n] of the unit sphere of R^n, and the faces between them, outward, as places of n points each [F, n]."""

    points: np.ndarray
    faces: np.ndarray


def circle(count: int = CIRCLE) -> Mesh:
    """A polygon, counterclockwise."""
    angle, places = 2 * np.pi * np.arange(count) / count, np.arange(count)
    return Mesh(np.stack([np.cos(angle), np.sin(angle)], axis=1), np.stack([places, (places + 1) % count], axis=1))


def sphere(levels: int = LEVELS) -> Mesh:
    """An octahedron whose triangles were split in four so many times."""
    axes = np.eye(3)
    corners = np.array([[sx * axes[0], sy * axes[1], sz * axes[2]][:: int(sx * sy * sz)] for sx, sy, sz in SIGNS])
    for _ in range(levels):
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        ab, bc, ca = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (a + b, b + c, c + a))
        corners = np.concatenate([np.stack(one, axis=1) for one in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    points, places = np.unique(np.round(corners.reshape(-1, 3), 12), axis=0, return_inverse=True)
    return Mesh(points, places.reshape(-1, 3))


SIGNS = [(sx, sy, sz) for sx in (1, -1) for sy in (1, -1) for sz in (1, -1)]
MESHES = {2: circle(), 3: sphere()}


def points(n: int) -> np.ndarray:
    """Points of the unit sphere of R^n: of the mesh where there is one, else the axes and the corners of a cube."""
    if n in MESHES:
        return MESHES[n].points
    corners = np.array(list(product((1.0, -1.0), repeat=n))) / np.sqrt(n)
    return np.concatenate([np.eye(n), -np.eye(n), corners])


def degree(images: np.ndarray, faces: np.ndarray, about: np.ndarray) -> float:
    """The signed angle (n = 2) or solid angle (n = 3) that the images of the points take up about a point, in whole turns.

    Source: van Oosterom and Strackee 1983, for triangles.
    """
    seen = images - about
    seen = seen / np.linalg.norm(seen, axis=1, keepdims=True)
    corners = seen[faces]
    volume = np.linalg.det(corners)
    dots = [np.sum(corners[:, i] * corners[:, j], axis=1) for i in range(faces.shape[1]) for j in range(i)]
    if faces.shape[1] == 2:
        return float(np.sum(np.arctan2(volume, dots[0])) / (2 * np.pi))
    return float(np.sum(2 * np.arctan2(volume, 1 + sum(dots))) / (4 * np.pi))

"""Nodes of a path that stand at one depth: a cluster, joined by segments of length zero.  empty: which segments those are, [B, K]."""

import numpy as np

from odeanalysis.numerics.gradients.program import Array


def clusters(empty: Array) -> Array:
    """The number of each node's cluster, counted along the path from 0: [B, K+1]."""
    return np.concatenate([np.zeros((len(empty), 1), dtype=int), np.cumsum(~empty, axis=1)], axis=1)


def in_cluster(cluster: Array, marked: Array) -> Array:
    """Whether any node of a node's cluster is marked: [B, K+1, ...] -> the same shape."""
    found, rows = np.zeros(marked.shape, dtype=bool), np.arange(len(cluster))[:, None]
    np.logical_or.at(found, (rows, cluster), marked)
    return found[rows, cluster]


def neighbours(empty: Array) -> tuple[Array, Array]:
    """For each node the last segment of some length before it (-1: none) and the first one behind it (K: none): each [B, K+1]."""
    count, segments = empty.shape
    place, edge = np.arange(segments), np.ones((count, 1), dtype=int)
    before = np.maximum.accumulate(np.where(empty, -1, place), axis=1)
    behind = np.minimum.accumulate(np.where(empty, segments, place)[:, ::-1], axis=1)[:, ::-1]
    return np.concatenate([-edge, before], axis=1), np.concatenate([behind, segments * edge], axis=1)

"""Pair things so that the sum of their likenesses is greatest."""

from __future__ import annotations

import math
from collections.abc import Mapping

__all__ = ["best_pairs"]


def best_pairs(weights: Mapping[tuple[int, int], float]) -> list[tuple[int, int]]:
    """Return the pairs of a maximum-weight matching, sorted.

    Args:
        weights: Positive weight of each allowed pair (left, right); a pair not named is not allowed.
    """
    if len(weights) <= 1:
        return list(weights)
    pairs: list[tuple[int, int]] = []
    for component in _components(weights):
        pairs += _assign({pair: weights[pair] for pair in component})
    return sorted(pairs)


def _components(weights: Mapping[tuple[int, int], float]) -> list[list[tuple[int, int]]]:
    """Cut the pairs into groups that share no member, so that each assignment stays small."""
    parent: dict[tuple[str, int], tuple[str, int]] = {}

    def root(node: tuple[str, int]) -> tuple[str, int]:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for left, right in weights:
        parent[root(("left", left))] = root(("right", right))
    groups: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for pair in sorted(weights):
        groups.setdefault(root(("left", pair[0])), []).append(pair)
    return list(groups.values())


def _assign(weights: Mapping[tuple[int, int], float]) -> list[tuple[int, int]]:
    """Solve one assignment by the Hungarian method with potentials (Kuhn 1955; Jonker and Volgenant 1987)."""
    rows = sorted({left for left, _ in weights})
    columns = sorted({right for _, right in weights})
    size = len(rows)
    # one column more per row stands for "left alone", at no gain
    width = len(columns) + size
    cost = [[-weights.get((row, column), -1e9) for column in columns] + [0.0] * size for row in rows]
    u, v = [0.0] * (size + 1), [0.0] * (width + 1)
    match, way = [0] * (width + 1), [0] * (width + 1)
    for row in range(1, size + 1):
        match[0], column = row, 0
        least, used = [math.inf] * (width + 1), [False] * (width + 1)
        while match[column]:
            used[column] = True
            current, delta, following = match[column], math.inf, 0
            for j in range(1, width + 1):
                if not used[j]:
                    reduced = cost[current - 1][j - 1] - u[current] - v[j]
                    if reduced < least[j]:
                        least[j], way[j] = reduced, column
                    if least[j] < delta:
                        delta, following = least[j], j
            for j in range(width + 1):
                if used[j]:
                    u[match[j]] += delta
                    v[j] -= delta
                else:
                    least[j] -= delta
            column = following
        while column:
            match[column] = match[way[column]]
            column = way[column]
    return [
        (rows[match[j] - 1], columns[j - 1])
        for j in range(1, len(columns) + 1)
        if match[j] and (rows[match[j] - 1], columns[j - 1]) in weights
    ]

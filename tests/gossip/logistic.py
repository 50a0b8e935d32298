"""Logistic regression with ridge and lasso, spread over workers: a problem with one solution, and prox steps."""

from __future__ import annotations

from functools import cached_property

import numpy as np

LASSO, RIDGE, SIZE = 0.01, 0.05, 20


class Problem:
    """f_i of each of `workers`, their mean with the lasso, and what steps are short enough without delay."""

    def __init__(self, workers: int, seed: int = 0) -> None:
        luck = np.random.RandomState(seed)
        w, self.X, self.y = luck.randn(SIZE), [], []
        for _ in range(workers):
            X = luck.randn(40, SIZE) + 0.5 * luck.randn(SIZE)
            self.X.append(X)
            self.y.append(np.where(luck.rand(40) < 1 / (1 + np.exp(-X @ w)), 1, -1))
        self.workers = workers
        L = max(np.linalg.eigvalsh(X.T @ X).max() / len(X) / 4 for X in self.X) + RIDGE
        self.gamma = 2 / (RIDGE + L)

    def gradient(self, i: int):
        X, y = self.X[i], self.y[i]
        return lambda x: -(X.T @ (y / (1 + np.exp(y * (X @ x))))) / len(y) + RIDGE * x

    def prox(self, gamma: float):
        return lambda z: np.sign(z) * np.maximum(np.abs(z) - gamma * LASSO, 0)

    def value(self, x: np.ndarray) -> float:
        losses = [np.log1p(np.exp(-y * (X @ x))).mean() for X, y in zip(self.X, self.y)]
        return np.mean(losses) + RIDGE / 2 * x @ x + LASSO * np.abs(x).sum()

    @cached_property
    def solution(self) -> np.ndarray:
        """By proximal steps along the gradient of all."""
        x, gamma, gradients = np.zeros(SIZE), 0.9 * self.gamma, [self.gradient(i) for i in range(self.workers)]
        for _ in range(1500):
            x = self.prox(gamma)(x - gamma * np.mean([g(x) for g in gradients], axis=0))
        return x


def arrivals(workers: int, slower: float, count: int, seed: int = 0) -> list[int]:
    """Who comes when, where worker 0 takes so many times longer than the others."""
    luck, takes = np.random.RandomState(seed), np.ones(workers)
    takes[0] = slower
    due, order = takes * luck.uniform(0.8, 1.2, workers), []
    for _ in range(count):
        order.append(int(due.argmin()))
        due[order[-1]] += takes[order[-1]] * luck.uniform(0.8, 1.2)
    return order

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the coefficients of src/backend/cpu/vector_math.h with the error of each fit. Needs numpy and scipy.

Each but one is a weighted Chebyshev least-squares fit whose weights are raised where the error is large until it is
level; the coarse gelu is a linear programme, since its end is fixed."""

import numpy as np
from numpy.polynomial import chebyshev
from scipy.optimize import linprog
from scipy.special import erf, erfc


def fit(function, low, high, degree, weight, rounds=80, points=20001):
    t = np.cos(np.pi * (np.arange(points) + 0.5) / points)
    x = (high - low) / 2 * t + (high + low) / 2
    y, w, level = function(x), weight(x), np.ones(points)
    for _ in range(rounds):
        series = chebyshev.chebfit(t, y, degree, w=np.sqrt(level) * w)
        error = np.abs(chebyshev.chebval(t, series) - y) * w
        level *= error / error.max() + 1e-3
        level /= level.sum()
    return series, error.max()


def fit_with_fixed_end(function, high, degree, weight, end, points=3000):
    """As fit on (0, high], with the value `end` at its upper end; returns the coefficients of powers of x."""
    x = high * np.cos(np.pi * (np.arange(points) + 0.5) / points / 2) ** 2
    basis = chebyshev.chebvander(2 * x / high - 1, degree) * weight(x)[:, None]
    target, slack = function(x) * weight(x), -np.ones((points, 1))
    solution = linprog(
        np.r_[np.zeros(degree + 1), 1],
        A_ub=np.vstack([np.hstack([basis, slack]), np.hstack([-basis, slack])]),
        b_ub=np.r_[target, -target],
        A_eq=np.r_[np.ones(degree + 1), 0][None, :],
        b_eq=[end],
        bounds=[(None, None)] * (degree + 2),
    ).x
    return in_powers_of_x(solution[:-1], 0, high), solution[-1]


def show(name, coefficients, error):
    print(f"// {name}: error {error:.2g}")
    print("{" + ", ".join(f"{c:.9g}F" for c in coefficients) + "}")


def in_powers_of_x(series, low, high):
    polynomial = np.polynomial.Chebyshev(series, domain=[low, high]).convert(kind=np.polynomial.Polynomial)
    return polynomial.coef


def fit_gelu_pieces(edge):
    """gelu(x) by cubics over 29 pieces of equal width between -edge and edge; 0 below, x above."""
    width = edge / 14.5
    table = np.zeros((4, 32))
    table[1, 31] = 1
    worst = 0
    for i in range(-14, 15):
        low, high = (i - 0.5) * width, (i + 0.5) * width
        series, error = fit(lambda x: 0.5 * x * erfc(-x / np.sqrt(2)), low, high, 3, np.ones_like, points=801)
        table[:, i + 16] = in_powers_of_x(series, low, high)
        worst = max(worst, error)
    print(f"// gelu in pieces of {width:.9g}, error {worst:.2g}")
    for row in table:
        print("{" + ", ".join(f"{c:.9g}F" for c in row) + "},")


def main():
    fit_gelu_pieces(4.8)
    # gelu(x) = x / 2 + s g(s) with s = x * x; powers of t = 2 s / 5.5^2 - 1.
    bound = 5.5**2
    g = lambda s: 0.5 * erf(np.sqrt(s / 2)) / np.sqrt(s)  # noqa: E731
    series, error = fit(g, 1e-9, bound, 15, lambda s: np.maximum(s, 0.05))
    show("gelu", chebyshev.cheb2poly(series), error)
    # Phi(x) = 1 / 2 + x q(s), and 1 at x = 4.4.
    show("coarse gelu", *fit_with_fixed_end(g, 4.4**2, 8, lambda s: s, 0.5 / 4.4))
    # e^r = 1 + r + r^2 p(r) on half a binary order.
    half = np.log(2) / 2 * 1.0001
    p = lambda r: (np.expm1(r) - r) / (r * r)  # noqa: E731
    series, error = fit(p, -half, half, 4, lambda r: r * r / np.exp(r), points=20000)
    show("exp", in_powers_of_x(series, -half, half), error)
    # tanh(x) = x + x s q(s) with s = x * x, for |x| < 0.625.
    q = lambda s: (np.tanh(np.sqrt(s)) / np.sqrt(s) - 1) / s  # noqa: E731
    series, error = fit(q, 1e-6, 0.625**2, 4, lambda s: s)
    show("tanh", in_powers_of_x(series, 1e-6, 0.625**2), error)


if __name__ == "__main__":
    main()

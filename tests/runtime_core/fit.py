#!/usr/bin/env python3
"""Prints the polynomial coefficients of runtime/core: weighted polynomial fits, rounded one by one.

    python3 tests/runtime_core/fit.py [NAME...]        needs mpmath

Each fit approximates f(x) by sum c_i t(x)^i on [a, b] so that |w(x) (f(x) - sum)| is small everywhere. Coefficients are rounded
to the type from the lowest up; after each rounding the rest are fitted again, so that rounding costs little accuracy.
The printed error is the largest weighted error after rounding everything.
"""
import struct
import sys

from mpmath import mp, mpf, matrix, lu_solve, exp, expm1, log, sqrt, erf, erfc, erfinv, sin, cos, pi, atanh

mp.dps = 100


def to_float(c):
    return mpf(struct.unpack("f", struct.pack("f", float(c)))[0])


def to_double(c):
    return mpf(float(c))


def least(f, t, w, a, b, degree, fixed):
    """The best coefficients of degrees len(fixed) .. degree, by least squares on Chebyshev points (within a small
    factor of the least largest error); `fixed` are the coefficients below, already rounded."""
    low, n = len(fixed), degree + 1 - len(fixed)
    count = 6 * (degree + 2)
    rows = []
    for i in range(count):
        x = (a + b) / 2 - (b - a) / 2 * cos(pi * (i + mpf(1) / 2) / count)
        tx, wx = t(x), w(x)
        value = f(x) - sum((c * tx ** i for i, c in enumerate(fixed)), mpf(0))
        rows.append(([wx * tx ** (low + i) for i in range(n)], wx * value))
    m, v = matrix(n, n), matrix(n, 1)
    for i in range(n):
        for j in range(n):
            m[i, j] = sum(r[i] * r[j] for r, _ in rows)
        v[i] = sum(r[i] * y for r, y in rows)
    solution = lu_solve(m, v)
    return [solution[i] for i in range(n)]


def fit(name, f, a, b, degree, t=lambda x: x, w=lambda x: mpf(1), start=(), real=to_float):
    a, b = mpf(a), mpf(b)
    fixed = [mpf(c) for c in start]
    while len(fixed) <= degree:
        fixed.append(real(least(f, t, w, a, b, degree, fixed)[0]))
    worst = mpf(0)
    for i in range(2001):
        x = a + (b - a) * i / 2000
        s = mpf(0)
        for c in reversed(fixed):
            s = s * t(x) + c
        worst = max(worst, abs(w(x) * (f(x) - s)))
    suffix = "f" if real is to_float else ""
    digits = 9 if real is to_float else 17
    print(f"// {name}: error 2^{float(log(worst, 2)) if worst else -999:.1f}")
    print(", ".join(f"{mp.nstr(c, digits)}{suffix}" for c in fixed))
    sys.stdout.flush()


TINY = mpf(10) ** -12
HALF_LN2 = log(2) / 2 * mpf("1.0005")


def away(x):
    """x, but not 0: the functions below have removable singularities there."""
    return x if abs(x) > TINY else TINY


def exp_rest(x):  # (e^x - 1 - x) / x^2
    x = away(x)
    return (expm1(x) - x) / x ** 2


def log_rest(x):  # (log(1 + x) - x + x^2 / 2) / x^3
    x = away(x)
    return (log(1 + x) - x + x * x / 2) / x ** 3


def atanh_rest(x):  # (2 atanh(s) - 2 s) / s^3
    x = away(x)
    return (2 * atanh(x) - 2 * x) / x ** 3


def atanh_tail(x):  # (2 atanh(s) - 2 s - 2/3 s^3) / s^5
    x = away(x)
    return (2 * atanh(x) - 2 * x - 2 * x ** 3 / 3) / x ** 5


def sin_rest(x):
    x = away(x)
    return (sin(x) - x) / x ** 3


def cos_rest(x):
    x = away(x)
    return (cos(x) - 1 + x * x / 2) / x ** 4


def erf_small(x):  # erf(x) / x - 1
    x = away(x)
    return erf(x) / x - 1


def erf_log(x):  # g with erf(x) = 1 - e^-g
    return -log(erfc(x))


def erfinv_of_w(w):
    """erfinv(x) / x where w = -log(1 - x^2)."""
    w = w if w > mpf(10) ** -20 else mpf(10) ** -20
    x2 = -expm1(-w)
    x = sqrt(x2)
    if w < 1:
        return erfinv(x) / x
    # Near 1, x has no digits left: solve log(erfc(y)) = log(1 - x) by Newton, 1 - x = e^-w / (1 + x).
    target = -w - log(1 + x)
    y = sqrt(w)
    for _ in range(60):
        step = (log(erfc(y)) - target) / (-2 / sqrt(pi) * exp(-y * y) / erfc(y))
        y -= step
        if abs(step) < mpf(10) ** -45:
            break
    return y / x


SQ = lambda x: x * x
S_MAX = 3 - 2 * sqrt(mpf(2))
QUARTER_PI = pi / 4 * mpf("1.0005")
FITS = {
    "exp32": lambda n: fit(n, exp_rest, -HALF_LN2, HALF_LN2, 4, w=lambda x: x * x / exp(x), start=[0.5]),
    "expm1_32": lambda n: fit(n, exp_rest, -HALF_LN2, HALF_LN2, 4, w=lambda x: x * x / away(expm1(x)), start=[0.5]),
    "log32": lambda n: fit(n, log_rest, sqrt(mpf(0.5)) - 1, sqrt(mpf(2)) - 1, 7,
                           w=lambda x: x ** 3 / away(log(1 + x))),
    "sin32": lambda n: fit(n, sin_rest, TINY, QUARTER_PI, 2, t=SQ, w=lambda x: x ** 3 / sin(x)),
    "cos32": lambda n: fit(n, cos_rest, TINY, QUARTER_PI, 2, t=SQ, w=lambda x: x ** 4 / cos(x)),
    "erf_small32": lambda n: fit(n, erf_small, TINY, 1, 6, t=SQ, w=lambda x: 1 / (1 + erf_small(x))),
    "erf_large32": lambda n: fit(n, erf_log, 1, 4, 7, w=lambda x: erfc(x)),
    "exp64": lambda n: fit(n, exp_rest, -HALF_LN2, HALF_LN2, 9, w=lambda x: x * x / exp(x), start=[0.5],
                           real=to_double),
    "log64": lambda n: fit(n, atanh_rest, TINY, S_MAX, 6, t=SQ, w=lambda x: x ** 3 / atanh(x), real=to_double),
    "log_tail64": lambda n: fit(n, atanh_tail, TINY, S_MAX, 7, t=SQ, w=lambda x: x ** 5 / atanh(x), real=to_double),
    "log_short64": lambda n: fit(n, atanh_rest, TINY, S_MAX, 4, t=SQ, w=lambda x: x ** 3 / atanh(x), real=to_double),
    "exp_short64": lambda n: fit(n, exp_rest, -HALF_LN2, HALF_LN2, 5, w=lambda x: x * x / exp(x), real=to_double),
    "sin64": lambda n: fit(n, sin_rest, TINY, QUARTER_PI, 5, t=SQ, w=lambda x: x ** 3 / sin(x), real=to_double),
    "cos64": lambda n: fit(n, cos_rest, TINY, QUARTER_PI, 5, t=SQ, w=lambda x: x ** 4 / cos(x), real=to_double),
    "sin_short64": lambda n: fit(n, sin_rest, TINY, QUARTER_PI, 3, t=SQ, w=lambda x: x ** 3 / sin(x), real=to_double),
    "cos_short64": lambda n: fit(n, cos_rest, TINY, QUARTER_PI, 3, t=SQ, w=lambda x: x ** 4 / cos(x), real=to_double),
    "erf_small64": lambda n: fit(n, erf_small, TINY, 1, 13, t=SQ, w=lambda x: 1 / (1 + erf_small(x)), real=to_double),
    "erf_large64": lambda n: fit(n, erf_log, 1, 6, 21, t=lambda x: x - mpf("1.5"), w=lambda x: erfc(x), real=to_double),
    "erfinv_small32": lambda n: fit(n, erfinv_of_w, 0, 5, 10, t=lambda w: w - mpf("2.5"), w=lambda w: 1 / erfinv_of_w(w)),
    "erfinv_large32": lambda n: fit(n, lambda r: erfinv_of_w(r * r), sqrt(mpf(5)), mpf("4.1"), 10, t=lambda r: r - 3,
                                    w=lambda r: 1 / r),
    "erfinv_small64": lambda n: fit(n, erfinv_of_w, 0, 6.25, 25, t=lambda w: w - mpf("3.125"),
                                    w=lambda w: 1 / erfinv_of_w(w), real=to_double),
    "erfinv_large64": lambda n: fit(n, lambda r: erfinv_of_w(r * r), 2.5, 4, 21, t=lambda r: r - mpf("3.25"),
                                    w=lambda r: 1 / r, real=to_double),
    "erfinv_tail64": lambda n: fit(n, lambda r: erfinv_of_w(r * r), 4, mpf("6.1"), 20, t=lambda r: r - 5,
                                   w=lambda r: 1 / r, real=to_double),
}

if __name__ == "__main__":
    for name in sys.argv[1:] or FITS:
        FITS[name](name)

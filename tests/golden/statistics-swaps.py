"""Writes statistics-swaps.json: p-values of swapping methods within problems, and what stands beside them. Needs scipy alone (1.17.1 was used):

    python3 tests/golden/statistics-swaps.py > tests/golden/statistics-swaps.json

SciPy permutes what stands at one place of several lists; here that is the number of a problem's part of a method, so that all of it goes together.
"""
import json
import math

import numpy as np
import scipy
from scipy import stats

rng = np.random.default_rng(11)


def p_of(size, methods, statistic, alternative, **options):
    parts = [np.arange(size) + size * method for method in range(methods)]
    settings = {"permutation_type": "samples", "vectorized": False, "alternative": alternative, **options}
    test = stats.permutation_test(parts, lambda *lists: statistic(*(each.astype(int) for each in lists)), **settings)
    return float(test.pvalue)


def rate_row(first, second, samples_first, samples_second, **options):
    """Swaps what a problem adds to the difference of the rates: with equal numbers of samples, the problem."""
    a, b, n, m = (np.array(each) for each in (first, second, samples_first, samples_second))
    pooled = (a.sum() + b.sum()) / (n.sum() + m.sum())
    added = np.concatenate([(a - pooled * n) / n.sum(), (b - pooled * m) / m.sum()])
    p = p_of(len(a), 2, lambda x, y: added[x].sum() - added[y].sum(), "two-sided", **{"n_resamples": np.inf, **options})
    return {"first": {"hits": first, "samples": samples_first}, "second": {"hits": second, "samples": samples_second}, "p": p}


def by_lot(first, second):
    """The exact conditional test: the first method's hits, given each problem's, by SciPy's hypergeometric distribution."""
    chances = np.array([1.0])
    for a, n, b, m in zip(first["hits"], first["samples"], second["hits"], second["samples"]):
        chances = np.convolve(chances, stats.hypergeom.pmf(np.arange(n + 1), n + m, a + b, n))
    hits = np.arange(len(chances))
    mean = (hits * chances).sum()
    return float(chances[np.abs(hits - mean) >= abs(sum(first["hits"]) - mean) - 1e-9].sum())


def tens(size):
    return [10] * size


def rates():
    yield rate_row([5, 7, 2], [9, 8, 6], tens(3), tens(3))
    yield rate_row([5, 7, 2, 0, 1], [9, 8, 6, 3, 2], tens(5), tens(5))
    yield rate_row([5, 7, 2, 4, 4, 8], [4, 9, 6, 4, 4, 1], tens(6), tens(6))
    for size in [8, 12]:
        yield rate_row(rng.integers(0, 9, size).tolist(), rng.integers(2, 11, size).tolist(), tens(size), tens(size))


def uneven():
    """With the p-value of the hits by lot, too."""
    rows = [
        rate_row([3, 1, 0, 6, 2, 9, 4], [5, 4, 1, 8, 2, 7, 9], [5, 4, 7, 9, 10, 10, 6], [10, 4, 3, 8, 5, 10, 12]),
        rate_row([1, 0, 1, 1, 0, 1, 1, 0], [2, 1, 40, 30, 0, 3, 99, 9], [1] * 8, [100] * 8),
        rate_row([0] * 10, [3, 1, 0, 2, 1, 1, 4, 0, 2, 1], [1] * 10, [60] * 10),
        rate_row([55, 70, 12, 99, 0, 34], [40, 71, 3, 97, 2, 20], [100, 98, 100, 100, 97, 100], [100] * 6),
    ]
    for row in rows:
        yield {**row, "by_lot": by_lot(row["first"], row["second"])}


def chi_square(rows):
    return stats.chi2_contingency(rows, correction=False).statistic


def corrected_square(table):
    """The square of Cramér's V with Bergsma's correction, from the chi-square statistic of SciPy."""
    table = table[:, table.sum(0) > 0]
    n, (r, k) = table.sum(), table.shape
    rows, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return max(0, chi_square(table) / n - (r - 1) * (k - 1) / (n - 1)) / min(rows - 1, columns - 1)


def chi_square_rows():
    for size, width in [(3, 2), (6, 3), (9, 4)]:
        counts = rng.integers(0, 7, (2 * size, width))
        counts[:size, 0] += rng.integers(0, 6, size)
        p = p_of(size, 2, lambda a, b: chi_square([counts[a].sum(0), counts[b].sum(0)]), "greater", n_resamples=np.inf)
        yield {"first": counts[:size].tolist(), "second": counts[size:].tolist(), "p": p}


def category_rows(draws):
    """Several methods, and unequal numbers of samples: shares of these, as Kish's effective counts."""
    for size, samples in [(4, [12, 12, 12]), (4, [3, 12, 20]), (9, [4, 25])]:
        methods = len(samples)
        kinds = draws.dirichlet([1, 1, 1, 1], size)
        drawn = [[draws.multinomial(count, kind * 0.85 + np.roll([0.15, 0, 0, 0], m)) for kind in kinds] for m, count in enumerate(samples)]
        # The last category is no failure.
        counts = np.array(drawn)[:, :, :3].reshape(methods * size, 3)
        weights = 1 / np.repeat(samples, size)

        def effective(own):
            shares, squares = (counts[own] * weights[own][:, None]).sum(0), (counts[own].sum(1) * weights[own] ** 2).sum()
            return shares * (0 if squares == 0 else shares.sum() / squares)

        p = p_of(size, methods, lambda *lists: chi_square([effective(own) for own in lists]), "greater", n_resamples=np.inf)
        yield {"samples": samples, "methods": counts.reshape(methods, size, 3).tolist(), "p": p}


def interval_rows(draws):
    """Percentiles of the squares of V by bootstrap over problems, less their bias. `tolerance` is five standard errors of the difference of two such ends,
    by the normal approximation of an order statistic, and half as much again for the bias."""
    resamples = 9_999
    for size in [15, 40]:
        kinds = draws.dirichlet([0.6, 0.6, 0.6], size)
        counts = np.array([[draws.multinomial(12, kind * 0.7 + np.roll([0.3, 0, 0], m)) for kind in kinds] for m in range(2)])
        found = stats.bootstrap(
            (np.arange(size),),
            lambda problems: corrected_square(counts[:, problems.astype(int)].sum(1)),
            vectorized=False,
            n_resamples=resamples,
            method="percentile",
            rng=np.random.default_rng(3),
        )
        value = corrected_square(counts.sum(1))
        squares = found.bootstrap_distribution
        ends = np.quantile(squares, [0.025, 0.975]) - max(0, squares.mean() - value)
        error = math.sqrt(0.025 * 0.975 / resamples) / stats.norm.pdf(stats.norm.ppf(0.025)) * float(found.standard_error)
        yield {
            "methods": counts.tolist(),
            "resamples": resamples,
            "value": math.sqrt(value),
            "low_square": float(max(0, ends[0])),
            "high_square": float(min(1, ends[1])),
            "tolerance": 1.5 * 5 * math.sqrt(2) * error,
        }


def sampled():
    """Too many problems to count every arrangement: the share of 199,999 of them."""
    for size in [20, 40]:
        first, second = rng.integers(0, 10, size), rng.integers(0, 11, size)
        yield rate_row(first.tolist(), second.tolist(), tens(size), tens(size), n_resamples=199_999, rng=np.random.default_rng(3))


result = {
    "scipy": scipy.__version__,
    "rates": list(rates()),
    "chi_square": list(chi_square_rows()),
    "sampled": list(sampled()),
    "uneven": list(uneven()),
    "categories": list(category_rows(np.random.default_rng(23))),
    "intervals": list(interval_rows(np.random.default_rng(29))),
}
print(json.dumps(result, indent=1))

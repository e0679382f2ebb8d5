"""Writes statistics-swaps.json: p-values of swapping two methods within problems. Needs scipy alone (1.17.1 was used):

    python3 tests/golden/statistics-swaps.py > tests/golden/statistics-swaps.json

SciPy permutes what stands at one place of two lists; here that is the number of a problem's half, so that hits and samples go together.
"""
import json

import numpy as np
import scipy
from scipy import stats

rng = np.random.default_rng(11)


def p_of(size, statistic, alternative, **options):
    halves = np.arange(size), np.arange(size, 2 * size)
    settings = {"permutation_type": "samples", "vectorized": False, "alternative": alternative, **options}
    test = stats.permutation_test(halves, lambda a, b: statistic(a.astype(int), b.astype(int)), **settings)
    return float(test.pvalue)


def rate_row(first, second, samples_first, samples_second, **options):
    hits, samples = np.array(first + second), np.array(samples_first + samples_second)

    def statistic(a, b):
        return hits[a].sum() / samples[a].sum() - hits[b].sum() / samples[b].sum()

    p = p_of(len(first), statistic, "two-sided", **{"n_resamples": np.inf, **options})
    return {"first": {"hits": first, "samples": samples_first}, "second": {"hits": second, "samples": samples_second}, "p": p}


def tens(size):
    return [10] * size


def rates():
    yield rate_row([5, 7, 2], [9, 8, 6], tens(3), tens(3))
    yield rate_row([5, 7, 2, 0, 1], [9, 8, 6, 3, 2], tens(5), tens(5))
    yield rate_row([5, 7, 2, 4, 4, 8], [4, 9, 6, 4, 4, 1], tens(6), tens(6))
    for size in [8, 12]:
        yield rate_row(rng.integers(0, 9, size).tolist(), rng.integers(2, 11, size).tolist(), tens(size), tens(size))
    yield rate_row([3, 1, 0, 6, 2, 9, 4], [5, 4, 1, 8, 2, 7, 9], [5, 4, 7, 9, 10, 10, 6], [10, 4, 3, 8, 5, 10, 12])


def chi_square_rows():
    for size, width in [(3, 2), (6, 3), (9, 4)]:
        counts = rng.integers(0, 7, (2 * size, width))
        counts[:size, 0] += rng.integers(0, 6, size)

        def statistic(a, b):
            return stats.chi2_contingency([counts[a].sum(0), counts[b].sum(0)], correction=False).statistic

        p = p_of(size, statistic, "greater", n_resamples=np.inf)
        yield {"first": counts[:size].tolist(), "second": counts[size:].tolist(), "p": p}


def sampled():
    """Too many problems to count every arrangement: the share of 199,999 of them."""
    for size in [20, 40]:
        first, second = rng.integers(0, 10, size), rng.integers(0, 11, size)
        yield rate_row(first.tolist(), second.tolist(), tens(size), tens(size), n_resamples=199_999, rng=np.random.default_rng(3))


print(json.dumps({"scipy": scipy.__version__, "rates": list(rates()), "chi_square": list(chi_square_rows()), "sampled": list(sampled())}, indent=1))

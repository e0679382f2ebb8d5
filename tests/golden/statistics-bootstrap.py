"""Writes statistics-bootstrap.json: SciPy's intervals by paired bootstrap over problems, of ratios with unequal denominators, of differences of two
such ratios, and of quartiles of what problems hold. Needs scipy (1.17.1 was used), takes half a minute:

    python3 tests/golden/statistics-bootstrap.py > tests/golden/statistics-bootstrap.json

SciPy draws other resamples than ours. `tolerance` is five standard errors of the difference of two ends, each from that many resamples (by the normal
approximation of an order statistic), and as much again for what BCa adds to it.
"""
import json
import math

import numpy as np
import scipy
from scipy import stats

RESAMPLES = 99_999
rng = np.random.default_rng(17)


def intervals(columns, statistic, vectorized, resamples):
    """Both methods from the same resamples, which take a problem's numbers together or leave them out."""
    found = {}
    result = None
    for method in ["percentile", "BCa"]:
        result = stats.bootstrap(
            columns,
            statistic,
            paired=True,
            vectorized=vectorized,
            n_resamples=resamples if result is None else 0,
            bootstrap_result=result,
            batch=1000,
            method=method,
            rng=np.random.default_rng(3),
        )
        found[method.lower()] = {"low": float(result.confidence_interval.low), "high": float(result.confidence_interval.high)}
    spread = float(result.standard_error)
    # Density of the normal distribution at its 2.5 % quantile.
    error = math.sqrt(0.025 * 0.975 / resamples) / stats.norm.pdf(stats.norm.ppf(0.025)) * spread
    return {**found, "tolerance": 2 * 5 * math.sqrt(2) * error}


def counts(problems, most, skew):
    samples = rng.integers(1, most + 1, size=problems)
    return rng.binomial(samples, rng.random(problems) ** skew), samples


def ratio(above, below, axis=-1):
    return above.sum(axis=axis) / below.sum(axis=axis)


def difference(a, n, b, m, axis=-1):
    return ratio(a, n, axis) - ratio(b, m, axis)


def ratio_rows():
    for problems, most, skew in [(8, 5, 1), (15, 40, 3), (60, 20, 0.5), (25, 3, 2)]:
        hits, samples = counts(problems, most, skew)
        yield {"hits": hits.tolist(), "samples": samples.tolist(), **intervals((hits, samples), ratio, True, RESAMPLES)}


def difference_rows():
    for problems, most, skew in [(10, 6, 1), (20, 30, 2), (80, 10, 1)]:
        first, second = counts(problems, most, skew), counts(problems, 2 * most, skew * 1.5)
        yield {
            "first": {"hits": first[0].tolist(), "samples": first[1].tolist()},
            "second": {"hits": second[0].tolist(), "samples": second[1].tolist()},
            **intervals((*first, *second), difference, True, RESAMPLES),
        }


def quantile_rows():
    for problems, share in [(30, 0.5), (40, 0.25), (40, 0.75)]:
        held = [rng.beta(1 + 4 * centre, 2, size=rng.integers(1, 12)).round(6) for centre in rng.random(problems)]

        def quantile(numbers):
            return np.quantile(np.concatenate([held[int(number)] for number in numbers]), share)

        yield {
            "share": share,
            "values": [each.tolist() for each in held],
            "value": float(quantile(range(problems))),
            **intervals((np.arange(problems),), quantile, False, RESAMPLES // 3),
        }


result = {
    "scipy": scipy.__version__,
    "resamples": RESAMPLES,
    "ratio": list(ratio_rows()),
    "difference": list(difference_rows()),
    "quantile": list(quantile_rows()),
}
print(json.dumps(result, indent=1))

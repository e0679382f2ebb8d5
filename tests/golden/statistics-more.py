"""Writes statistics-more.json: what statistics.json lacks. Needs scipy (1.17.1 was used), statsmodels (0.15.0) and scikit-learn (1.9.1):

    python3 tests/golden/statistics-more.py > tests/golden/statistics-more.json
"""
import json
import math

import numpy as np
import scipy
import sklearn
import statsmodels
from scipy import special, stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa

rng = np.random.default_rng(6)


def gamma_rows():
    for a in [0.01, 0.5, 1, 1.5, 2, 5, 10, 14.5, 15.5, 25, 100, 500, 2500, 10000]:
        for ratio in [1e-3, 0.1, 0.5, 0.9, 0.99, 1, 1.01, 1.1, 1.5, 2, 4, 20]:
            x = a * ratio
            yield {"a": a, "x": x, "p": special.gammainc(a, x), "q": special.gammaincc(a, x)}


def mcnemar_rows():
    for b, c in [(0, 1), (1, 0), (0, 6), (5, 15), (7, 7), (12, 30), (100, 140), (480, 520), (1000, 1400)]:
        n, low = b + c, min(b, c)
        table = [[10, b], [c, 10]]
        exact = float(mcnemar(table, exact=True).pvalue)
        corrected = mcnemar(table, exact=False, correction=True)
        mid_p = 1.0 if b == c else float(2 * stats.binom.cdf(low, n, 0.5) - stats.binom.pmf(low, n, 0.5))
        yield {
            "b": b,
            "c": c,
            "exact": exact,
            "mid_p": mid_p,
            "statistic": float(corrected.statistic) if b != c else 0.0,
            "chi_square": float(corrected.pvalue) if b != c else 1.0,
        }


def corrected_v(table):
    """Bergsma (2013), from the chi-square statistic of SciPy."""
    table = np.array(table)
    n = table.sum()
    r, k = table.shape
    phi = stats.chi2_contingency(table, correction=False).statistic / n
    rows, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return math.sqrt(max(0, phi - (r - 1) * (k - 1) / (n - 1)) / min(rows - 1, columns - 1))


def chi_square_rows():
    for table in [
        [[30, 14, 6], [20, 25, 5], [10, 40, 50]],
        [[12, 5], [3, 9]],
        [[1, 2], [2, 1]],
        [[500, 480, 530, 499], [30, 35, 28, 33]],
        [[0, 4, 1], [3, 0, 0], [1, 1, 6], [2, 2, 2]],
        [[90, 10], [10, 90]],
    ]:
        test = stats.chi2_contingency(np.array(table), correction=False)
        yield {
            "table": table,
            "statistic": float(test.statistic),
            "dof": int(test.dof),
            "p": float(test.pvalue),
            "small_cells": float((test.expected_freq < 5).mean()),
            "v": float(stats.contingency.association(np.array(table), method="cramer")),
            "v_corrected": corrected_v(table),
        }


def auroc_rows():
    for size, levels in [(10, 3), (50, 5), (200, 1000), (400, 20)]:
        positive = rng.random(size) < 0.3
        positive[:2] = [True, False]
        scores = np.floor((rng.normal(size=size) + positive * 0.7) * levels) / levels
        u = stats.mannwhitneyu(scores[positive], scores[~positive]).statistic
        value = float(roc_auc_score(positive, scores))
        assert math.isclose(value, u / (positive.sum() * (~positive).sum()))
        yield {"scores": scores.tolist(), "positive": positive.tolist(), "value": value}


def kappa_rows():
    for table in [[[20, 5], [10, 15]], [[45, 15], [25, 15]], [[88, 10, 2], [14, 40, 6], [18, 10, 12]], [[10, 0], [0, 12]], [[0, 9], [8, 1]]]:
        result = cohens_kappa(np.array(table), return_results=True)
        yield {"table": table, "value": float(result.kappa), "low": float(result.kappa_low), "high": float(result.kappa_upp)}


def adjusted_rows():
    for p in [[0.04], [0.5, 0.5, 0.01], [0, 1, 0.2, 0.2, 0.03], rng.random(40).round(3).tolist()]:
        yield {"p": p, "adjusted": stats.false_discovery_control(p).tolist()}


result = {
    "scipy": scipy.__version__,
    "statsmodels": statsmodels.__version__,
    "scikit-learn": sklearn.__version__,
    "log_gamma": [{"x": x, "value": special.gammaln(x)} for x in [1e-8, 0.1, 0.5, 0.9, 1.1, 1.5, 2.5, 3, 10, 14.9, 15.1, 60.5, 171, 1e4, 1e8]],
    "gamma": list(gamma_rows()),
    "mcnemar": list(mcnemar_rows()),
    "chi_square": list(chi_square_rows()),
    "auroc": list(auroc_rows()),
    "kappa": list(kappa_rows()),
    "benjamini_hochberg": list(adjusted_rows()),
}
print(json.dumps(result, indent=1, default=float))

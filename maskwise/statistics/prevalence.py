"""How many there really are, when whoever counts them is sometimes wrong.

Sources: Rogan & Gladen (1978), Estimating prevalence from the results of a screening test, American Journal of
Epidemiology 107; the interval of Lang & Reiczigel (2014), Confidence limits for prevalence of disease adjusted for
estimated sensitivity and specificity, Preventive Veterinary Medicine 113, which knows that the error rates were
themselves measured on few.
"""

from __future__ import annotations

import math

from maskwise.errors import DataError
from maskwise.statistics.metrics import Figure

Z = 1.959964
LEAST_TOLD_APART = 0.05
"""Sensitivity + specificity - 1: below this the counts hardly depend on the truth, and nothing can be said."""


def true_share(counted: int, n: int, sensitivity: tuple[float, int], specificity: tuple[float, int]) -> Figure:
    """The share that really has something, of n of whom some were counted as having it.

    Args:
        counted: how many were, 0 to n.
        n: above 0.
        sensitivity: share of those who have it that is counted, and on how many that was measured.
        specificity: share of those who do not that is not counted, and on how many.

    Returns:
        The share with its 95 % interval, both within [0, 1], and n.

    Raises:
        DataError: counts that cannot be, or a counter that does hardly better than chance.
    """
    if not 0 <= counted <= n or n < 1:
        raise DataError(f"prevalence: {counted} of {n} cannot be; give 0 <= counted <= n and n of 1 or more")
    (se, n_se), (sp, n_sp) = sensitivity, specificity
    if min(n_se, n_sp) < 1 or not 0 <= min(se, sp) <= max(se, sp) <= 1:
        raise DataError(f"prevalence: sensitivity {sensitivity} and specificity {specificity} are no shares of anybody")
    if se + sp - 1 < LEAST_TOLD_APART:
        raise DataError(
            f"prevalence: sensitivity {se:.2f} and specificity {sp:.2f} tell hardly more than chance; "
            "no share can be had"
        )
    value = (counted / n + sp - 1) / (se + sp - 1)
    size = n + Z * Z
    seen = (counted + Z * Z / 2) / size
    se, sp = (n_se * se + 1) / (n_se + 2), (n_sp * sp + 1) / (n_sp + 2)
    apart = max(se + sp - 1, 1e-9)
    middle = (seen + sp - 1) / apart
    of_se, of_sp = se * (1 - se) / (n_se + 2), sp * (1 - sp) / (n_sp + 2)
    shift = 2 * Z * Z * (middle * of_se - (1 - middle) * of_sp)
    spread = Z * math.sqrt(seen * (1 - seen) / size + middle**2 * of_se + (1 - middle) ** 2 * of_sp) / apart
    low, high = middle + shift - spread, middle + shift + spread
    value = min(max(value, 0.0), 1.0)
    return Figure(value, min(max(low, 0.0), value), max(min(high, 1.0), value), n)

"""How much each member of a blend counts, learned on rows that the members did not see."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from durhampulse.models.weights import sigmoid

__all__ = ["level", "stack"]

Floats = npt.NDArray[np.float64]

_PULL = 100.0


def stack(logits: Floats, y: Floats, count: Floats, centre: Floats) -> tuple[Floats, Floats]:
    """Return weights of at least zero, drawn to a centre, and an intercept.

    Stacked generalisation (Wolpert 1992) by log loss; as slope and level are learned with the
    weights, the sum is calibrated as in Platt (1999).

    Parameters
    ----------
    logits
        Log-odds of rows out of fold, shape (n_rows, n_members).
    y
        Outcomes 0 or 1, shape (n_rows,).
    count
        How much each row counts, shape (n_rows,).
    centre
        Weights to draw to, shape (n_members,): a table of a few hundred rows says little about
        them. The pull is `100 |weights - centre|²`, beside the sum of the rows' losses.

    Returns
    -------
    coef, intercept
        Of shapes (n_members,) and (1,).
    """
    from scipy.optimize import minimize

    n, k = count.sum(), logits.shape[1]

    def objective(w: Floats) -> tuple[float, Floats]:
        z = logits @ w[:k] + w[k]
        off = w[:k] - centre
        error = count * (sigmoid(z) - y)
        loss = np.sum(count * (np.logaddexp(0, z) - y * z)) + _PULL * off @ off
        slope = np.append(logits.T @ error + 2 * _PULL * off, error.sum())
        return float(loss) / n, slope / n

    bounds = [(0, None)] * k + [(None, None)]
    w = minimize(objective, np.append(centre, 0.0), jac=True, bounds=bounds, method="L-BFGS-B").x
    return w[:k], w[k:]


def level(logits: Floats, y: Floats, count: Floats) -> float:
    """Return what to add to log-odds, shape (n_rows,), so that their mean probability is right.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([0.0, 0.0, 0.0, 1.0])
    >>> round(level(np.zeros(4), y, np.ones(4)), 4)
    -1.0986
    """
    target, shift = np.average(y, weights=count), 0.0
    for _ in range(20):
        p = sigmoid(logits + shift)
        slope = max(np.average(p * (1 - p), weights=count), 1e-6)
        shift += float(np.clip((target - np.average(p, weights=count)) / slope, -1, 1))
    return shift

"""Linear and integer programs of sets within limits, solved by HiGHS.

Huangfu and Hall, *Parallelizing the dual revised simplex method* (2018); https://highs.dev.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

__all__ = ["best_fractions", "best_wholes"]


def best_fractions(
    gain: Floats, weights: Floats, most: Floats, ends: Floats
) -> tuple[Floats, Floats]:
    """Return the fractions that bring most within limits, and what a unit of each limit is worth.

    Parameters
    ----------
    gain
        What each brings, shape (n,).
    weights, most
        The limits: ``weights @ fractions <= most``; shapes (n_limits, n) and (n_limits,).
    ends
        The least and the largest fraction of each, shape (n, 2).
    """
    solver, _ = _solved(gain, weights, most, ends, whole=False, options={})
    answer = solver.getSolution()
    return np.array(answer.col_value), np.maximum(0.0, -np.array(answer.row_dual))


def best_wholes(
    gain: Floats, weights: Floats, most: Floats, *, seconds: float, gap: float
) -> tuple[Floats | None, float]:
    """Return who of some to take for the most within limits, and what no set exceeds.

    None where no set was found within the time; infinity where nothing is known of its bound.

    Parameters
    ----------
    gain, weights, most
        Of :func:`best_fractions`.
    seconds
        How long to look.
    gap
        By which share of the sum another set may bring more.
    """
    ends = np.tile([0.0, 1.0], (len(gain), 1))
    options = {"time_limit": seconds, "mip_rel_gap": gap}
    solver, highspy = _solved(gain, weights, most, ends, whole=True, options=options)
    info = solver.getInfo()
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    chosen = np.array(solver.getSolution().col_value) if feasible else None
    bound = -float(info.mip_dual_bound)
    return chosen, bound if np.isfinite(bound) else np.inf


def _solved(
    gain: Floats, weights: Floats, most: Floats, ends: Floats, *, whole: bool, options: Any
) -> tuple[Any, Any]:
    """Return a solver that has done what it could, and its library."""
    import highspy

    at, n = np.nonzero(weights), len(gain)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = n, len(most)
    program.col_cost_, program.col_lower_, program.col_upper_ = -gain, ends[:, 0], ends[:, 1]
    program.row_lower_ = np.full(len(most), -highspy.kHighsInf)
    program.row_upper_ = most
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    counts = np.bincount(at[0], minlength=len(most))
    program.a_matrix_.start_ = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    program.a_matrix_.index_ = at[1].astype(np.int32)
    program.a_matrix_.value_ = weights[at]
    if whole:
        program.integrality_ = [highspy.HighsVarType.kInteger] * n
    solver = highspy.Highs()
    # One thread, as the requests that wait share the cores, and nothing on standard output.
    for name, value in {"output_flag": False, "threads": 1, **options}.items():
        solver.setOptionValue(name, value)
    solver.passModel(program)
    solver.run()
    return solver, highspy

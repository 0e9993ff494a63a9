"""Integer programs of sets within limits, solved by HiGHS.

Huangfu and Hall, *Parallelizing the dual revised simplex method* (2018); https://highs.dev.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

__all__ = ["best_wholes"]


def best_wholes(
    gain: Floats, weights: Floats, most: Floats, *, seconds: float, gap: float
) -> tuple[Floats | None, float]:
    """Return who of some to take for the most within limits, and what no set exceeds.

    None where no set was found within the time; infinity where nothing is known of its bound.

    Parameters
    ----------
    gain
        What each brings, shape (n,).
    weights, most
        The limits: ``weights @ chosen <= most``; shapes (n_limits, n) and (n_limits,).
    seconds
        How long to look.
    gap
        By how much another set may bring more.
    """
    import highspy

    at, n = np.nonzero(weights), len(gain)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = n, len(most)
    program.col_cost_, program.col_lower_, program.col_upper_ = -gain, np.zeros(n), np.ones(n)
    program.row_lower_ = np.full(len(most), -highspy.kHighsInf)
    program.row_upper_ = most
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    counts = np.bincount(at[0], minlength=len(most))
    program.a_matrix_.start_ = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    program.a_matrix_.index_ = at[1].astype(np.int32)
    program.a_matrix_.value_ = weights[at]
    program.integrality_ = [highspy.HighsVarType.kInteger] * n
    solver = highspy.Highs()
    # One thread, as the requests that wait share the cores, and nothing on standard output.
    options = {"output_flag": False, "threads": 1, "time_limit": seconds, "mip_abs_gap": gap,
               "mip_rel_gap": 0.0}  # fmt: skip
    for name, value in options.items():
        solver.setOptionValue(name, value)
    solver.passModel(program)
    solver.run()
    info = solver.getInfo()
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    chosen = np.array(solver.getSolution().col_value) if feasible else None
    bound = -float(info.mip_dual_bound)
    return chosen, bound if np.isfinite(bound) else np.inf

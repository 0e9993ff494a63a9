"""A whole model as one graph of ONNX."""

from __future__ import annotations

from durhampulse.export.graph.encoding import encode_row
from durhampulse.export.graph.judging import judge_row
from durhampulse.export.graph.nodes import Nodes
from durhampulse.export.graph.reading import read_cells
from durhampulse.export.graph.sums import sum_row
from durhampulse.export.program import Program

__all__ = ["graph_of"]


def graph_of(program: Program, version: str) -> bytes:
    """Return a graph that scores creators, text in and recommendations out.

    It takes an input of text, shape (n_rows,), for each column, of the header that the model's own
    table had, and gives ``probability``, ``low`` and ``high`` in double precision, NaN where a row
    is not scored, and ``recommendation``, ``unlike`` and ``refusal`` as text.

    Parameters
    ----------
    program
        The model.
    version
        Of this package.

    Raises
    ------
    InputError
        If a column has the name of an output, or of a value within.
    ModuleNotFoundError
        If onnx is not installed.
    """
    nodes = Nodes()
    cells = read_cells(program, nodes)
    wide, near = encode_row(program, cells, nodes)
    log_odds = sum_row(program.part, near, nodes)
    outputs = judge_row(program, cells, wide, log_odds, nodes)
    program.require_free(nodes.names | outputs.keys(), "the graph")
    about = f"{program.name}, written by DurhamPulse {version}"
    graph = nodes.model([each.header for each in program.inputs], outputs, about)
    return bytes(graph.SerializeToString())

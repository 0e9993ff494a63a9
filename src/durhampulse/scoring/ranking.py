"""The best of a scored table, and reasons beside the scores, as chunks go by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from durhampulse.creators.block import Block
from durhampulse.creators.schema import IDENTIFIER
from durhampulse.decision.phrases import in_one_cell
from durhampulse.decision.reasons import reason_table
from durhampulse.decision.shapley import explain
from durhampulse.decision.table import REASONS
from durhampulse.deferred import pd
from durhampulse.scoring.scorer import Scorer

__all__ = ["Ranking"]

_EXPLAINED_AT_ONCE = 256


class Ranking:
    """Passes scored chunks on, or keeps the most probable creators until the end.

    Parameters
    ----------
    scorer
        The model.
    schema
        Columns of the chunks.
    top
        How many creators to keep, ranked; all in their order if not given.
    reasons
        Whether to add the reasons of each creator passed on.

    Attributes
    ----------
    schema
        Columns of what is passed on.
    """

    def __init__(
        self, scorer: Scorer, schema: pa.Schema, top: int | None, *, reasons: bool
    ) -> None:
        self._scorer, self._top, self._reasons = scorer, top, reasons
        self._kept: list[tuple[pa.RecordBatch, pd.DataFrame, pd.Series]] = []
        self.schema = schema
        if top is not None:
            self.schema = self.schema.insert(0, pa.field("Rank", pa.int64()))
        for name in REASONS if reasons else ():
            self.schema = self.schema.append(pa.field(name, pa.string()))

    def take(
        self, batch: pa.RecordBatch, block: Block, order: npt.NDArray[np.float64]
    ) -> Iterator[pa.RecordBatch]:
        """Yield what can be written once a scored chunk is taken in, with :attr:`.Scores.order`."""
        if self._top is None:
            if self._reasons:
                frame = self._scorer.frame(batch["Influencer ID"], block)
                yield from self._explained(batch, frame)
            else:
                yield batch
            return
        best = np.sort(np.argsort(-order, kind="stable")[: self._top])
        batch, block, order = batch.take(pa.array(best)), block.take(best), order[best]
        frame = self._scorer.frame(batch["Influencer ID"], block)
        self._kept.append((batch, frame, pd.Series(order)))
        if sum(len(batch) for batch, _, _ in self._kept) > 4 * self._top + 65_536:
            self._prune()

    def finish(self) -> Iterator[pa.RecordBatch]:
        """Return what was kept, the most probable creator first."""
        if self._top is None or not any(len(batch) for batch, _, _ in self._kept):
            return
        self._prune()
        batch, frame, _ = self._kept[0]
        batch = batch.add_column(0, "Rank", pa.array(np.arange(1, len(batch) + 1)))
        yield from self._explained(batch, frame) if self._reasons else [batch]

    def _prune(self) -> None:
        """Keep the best of all that was kept; of equals the earlier."""
        batches, frames, orders = zip(*self._kept, strict=True)
        together = pd.concat(orders, ignore_index=True).to_numpy()
        best = np.argsort(-together, kind="stable")[: self._top]
        table = pa.Table.from_batches(batches).unify_dictionaries().take(pa.array(best))
        frame = pd.concat(frames, ignore_index=True).iloc[best].reset_index(drop=True)
        batch = table.combine_chunks().to_batches()[0]
        self._kept = [(batch, frame, pd.Series(together[best]))]

    def _explained(self, batch: pa.RecordBatch, frame: pd.DataFrame) -> Iterator[pa.RecordBatch]:
        model = self._scorer.model
        for start in range(0, len(batch), _EXPLAINED_AT_ONCE):
            rows = frame.iloc[start : start + _EXPLAINED_AT_ONCE]
            shapley = explain(model.model, rows.drop(columns=IDENTIFIER), model.background)
            texts = reason_table(shapley, rows, model.peers).map(in_one_cell)
            part = batch.slice(start, len(rows))
            for name in REASONS:
                part = part.append_column(name, pa.array(texts[name], pa.string()))
            yield part

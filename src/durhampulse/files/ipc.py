"""Arrow's own files, also called Feather: read in chunks, as a file or as a stream, and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from durhampulse.exceptions import InputError
from durhampulse.files.bounds import require_proportion, require_short, unpacked_bytes
from durhampulse.files.chunks import CHUNK_ROWS, Chunk, Stream, StreamOptions
from durhampulse.files.parquet import FAULTS, columns_of, metadata_of, misnamed

__all__ = ["ArrowSink", "ArrowStream"]

_MAGIC = b"ARROW1"


class ArrowStream(Stream):
    """A file of Arrow's record batches; each is checked before it is used."""

    def __init__(self, path: Path, options: StreamOptions) -> None:
        super().__init__(path, options)
        with path.open("rb") as file:
            self._is_file = file.read(len(_MAGIC)) == _MAGIC
        with self._explained(), self._batches() as (schema, _):
            self._columns = columns_of(self.name, schema, self.ledger)
        self.headers = [*self._columns]

    def types(self, headers: Sequence[str]) -> list[pa.DataType]:
        """Return the types of some columns."""
        return [_known(self._columns[header].type) for header in headers]

    def read(self, headers: Sequence[str]) -> Iterator[Chunk]:
        """Yield some columns, chunk by chunk, blank rows too."""
        columns = {header: self._columns[header] for header in headers}
        size, start, unpacked = self.path.stat().st_size, 0, 0
        with self._explained(), self._batches() as (_, batches):
            for batch, place in batches:
                batch.validate(full=True)
                require_short(self.name, batch, start)
                for offset in range(0, len(batch), CHUNK_ROWS):
                    part = batch.slice(offset, CHUNK_ROWS)
                    rows = np.arange(start + 1, start + len(part) + 1)
                    start += len(part)
                    unpacked += unpacked_bytes(part)
                    require_proportion(self.name, unpacked, size)
                    cells = {
                        header: column.count(rows)
                        if column.name is None
                        else part.column(column.name).cast(_known(column.type))
                        for header, column in columns.items()
                    }
                    yield Chunk(rows, cells, done=min(place / size, 1.0))

    @contextmanager
    def _batches(self) -> Iterator[tuple[pa.Schema, Iterator[tuple[pa.RecordBatch, int]]]]:
        """Yield the schema, and record batches with the place of each in the file."""
        with pa.OSFile(str(self.path)) as file:
            if self._is_file:
                reader = pa.ipc.open_file(file)
                n = reader.num_record_batches
                batches = ((reader.get_batch(i), file.size() * (i + 1) // n) for i in range(n))
            else:
                reader = pa.ipc.open_stream(file)
                batches = ((batch, file.tell()) for batch in reader)
            yield reader.schema, batches

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise misnamed(self.name, error) from error
        except FAULTS as error:
            raise InputError(
                f"{self.name}: not a readable Arrow file ({str(error)[:120]}).",
                "Write it again, or save it as .parquet.",
            ) from error


def _known(kind: pa.DataType) -> pa.DataType:
    """Return the type that a column is read as: text and bytes without their dictionaries."""
    return _known(kind.value_type) if pa.types.is_dictionary(kind) else kind


class ArrowSink:
    """An Arrow file that carries its provenance."""

    def __init__(self, path: Path, schema: pa.Schema, provenance: Mapping[str, object]) -> None:
        fields = [(field.name, _known(field.type)) for field in schema]
        self._schema = pa.schema(fields, metadata=metadata_of(provenance))
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._file, self._schema)

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        columns = [
            column.cast(field.type)
            for column, field in zip(batch.columns, self._schema, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
        self._file.close()

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""
        self._file.close()

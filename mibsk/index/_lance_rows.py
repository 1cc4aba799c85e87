"""Rows of an index as Arrow tables, which LanceDB stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ._columns import Type, plain_row
from ._new_rows import NewRows
from ._stored_names import column_of, metadata_columns
from ._values import Content, Hit, Row


def empty_schema(n_components: int) -> Any:
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("id", pa.string()),
            pa.field("number", pa.int64()),
            pa.field("source", pa.string()),
            pa.field("vector", pa.list_(pa.float32(), n_components)),
            pa.field("content", pa.large_binary()),
            pa.field("media_type", pa.string()),
        ]
    )


def field_of(name: str, kind: Type) -> Any:
    import pyarrow as pa

    types = {"string": pa.string(), "number": pa.float64(), "boolean": pa.bool_()}
    return pa.field(column_of(name, kind), types.get(kind, pa.int64()))


def arrow_rows(
    new: NewRows, columns: Mapping[str, tuple[Type, list[Any]]], source: str, schema: Any
) -> Any:
    """Return rows as a table of a schema, with null in columns that they lack."""
    import pyarrow as pa

    n, z = len(new.ids), new.vectors
    filled = {
        "id": new.ids,
        "number": new.numbers(),
        "source": [source] * n,
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(z.ravel()), z.shape[1]),
        "content": [each and each.data for each in new.contents],
        "media_type": [each and each.media_type for each in new.contents],
        **{column_of(name, kind): each for name, (kind, each) in columns.items()},
    }
    return pa.table(
        {
            field.name: pa.array(filled[field.name], field.type)
            if field.name in filled
            else pa.nulls(n, field.type)
            for field in schema
        },
        schema=schema,
    )


def hits_of(ids: np.ndarray, scores: np.ndarray, found: Any, columns: dict[str, Type]) -> list[Hit]:
    return [
        Hit(each, float(score), row)
        for each, score, row in zip(ids, scores, metadata_of(found, columns), strict=True)
    ]


def matrix_of(column: Any, width: int) -> np.ndarray:
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float32).reshape(-1, width)


def metadata_of(found: Any, columns: dict[str, Type]) -> list[dict[str, Any]]:
    """Return the metadata of rows of an Arrow table."""
    names = {column_of(name, kind): name for name, kind in columns.items()}
    stored = found.select(["id", *names]).to_pylist()  # the id, as a table needs a column
    return [
        plain_row(columns, {name: row[column] for column, name in names.items()}) for row in stored
    ]


def read_rows(
    table: Any, where: str, vectors: bool = False, contents: bool = False
) -> Iterator[tuple[int, Row]]:
    """Yield number and row of those that fulfil a condition."""
    columns = metadata_columns(table.schema.names)
    names = [column_of(name, kind) for name, kind in columns.items()]
    chosen = ["id", "number", "media_type", *names]
    chosen += ["vector"] if vectors else []
    chosen += ["content"] if contents else []
    found = table.search().where(where).select(chosen).to_arrow()
    z = matrix_of(found["vector"], found.schema.field("vector").type.list_size) if vectors else None
    plain = metadata_of(found, columns)
    for i, row in enumerate(found.drop(["vector"] if vectors else []).to_pylist()):
        content = row.get("content")
        yield (
            row["number"],
            Row(
                row["id"],
                plain[i],
                None if z is None else z[i],
                None if content is None else Content(content, row["media_type"]),
                row["media_type"],
            ),
        )

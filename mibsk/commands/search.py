"""The command ``mibsk search``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from ._running import one_line_errors


@click.command(no_args_is_help=True)
@click.argument("address", metavar="INDEX")
@click.argument("queries", metavar="QUERY...", nargs=-1, required=True)
@click.option("--from", "source", metavar="MODALITY", required=True, help="Modality of QUERY.")
@click.option("--to", "target", metavar="MODALITY", required=True, help="Modality to search in.")
@click.option(
    "--bundle",
    metavar="BUNDLE",
    help="The bundle that the index was built with; not needed with --id.",
)
@click.option("--id", "by_id", is_flag=True, help="QUERY are ids of rows of the index.")
@click.option("-k", type=click.IntRange(1), default=10, show_default=True, help="Number of rows.")
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="A condition on metadata, also with >=, >, <=, < or !=; can be repeated.",
)
@click.option(
    "--format",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Format of the output.",
)
def search(
    address: str,
    queries: tuple[str, ...],
    source: str,
    target: str,
    bundle: str | None,
    by_id: bool,
    k: int,
    conditions: tuple[str, ...],
    format: str,
) -> None:
    """Search an index with rows of another modality, or of the same.

    INDEX is what mibsk index has built. QUERY is text if MODALITY is of text or
    labels or the captions of a captioner, else a .npy, .parquet, .csv or .tsv file, each row of
    which is a query.
    """
    from ..bundle import Bundle
    from ..index import embed_queries, open_index, parse_where

    with one_line_errors():
        if bundle is None and not by_id:
            raise ValueError("name the bundle of the index with --bundle, or ids with --id.")
        opened = None if bundle is None else Bundle(bundle)
        index = open_index(address, bundle=opened)
        if opened is None or by_id:
            names = list(dict.fromkeys(queries))
            vectors: Any = [row.vector for row in index.get(source, names, vectors=True)]
        else:
            names, vectors = embed_queries(opened, source, queries)
        summaries = index.modalities()
        columns = summaries[target].columns if target in summaries else {}
        where = parse_where(conditions, columns) if target in summaries else None
        found = index.search(target, vectors, k, where=where)
    if format == "json":
        answers = [
            {
                "query": name,
                "results": [
                    {"id": hit.id, "score": hit.score, "metadata": hit.metadata} for hit in hits
                ],
            }
            for name, hits in zip(names, found, strict=True)
        ]
        click.echo(json.dumps(answers, indent=1, ensure_ascii=False))
        return
    for i, (name, hits) in enumerate(zip(names, found, strict=True)):
        lines = [["score", "id", *columns]]
        for hit in hits:
            values = [hit.metadata[column] for column in columns]
            lines.append(
                [f"{hit.score:.4f}", hit.id, *("" if v is None else str(v) for v in values)]
            )
        click.echo(("\n" if i else "") + f"{source} {name}")
        click.echo(_aligned(lines) if hits else "no row")


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    """Return cells in columns of equal width."""
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )

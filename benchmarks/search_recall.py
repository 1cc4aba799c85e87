"""Recall and time of searches in an index, against brute force.

    python -m benchmarks.search_recall [--sprites MODEL DATA] [--rendered N] [--digits FOLDER]
        [--omniglot FOLDER] [--rows N N] [--probes N N] [--out benchmarks/results/search.csv]

Brute force is one product of matrices in NumPy, ordered by score and then by id. A flat index has
to return exactly its rows; of partitions (IVF), the recall at 10 is measured by the number of
partitions that a search reads. Times are per query, one query at a time, medians, beside those of
brute force for one query in the same run. Rows are the embeddings of held-out sprites of the main
job and of N further ones by its model, of held-out recordings and of drawings by models that this
program trains, and draws from a mixture of 2000 Gaussians on the sphere, of which queries are
further draws.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from mibsk import ClassPairs, IBAligner
from mibsk.datasets import fetch_omniglot, fetch_spoken_digits, make_sprites, split_bunch
from mibsk.index import open_index

K = 10
N_QUERIES = 200


def brute_force(z: np.ndarray, ids: np.ndarray, queries: np.ndarray, k: int) -> list[list[str]]:
    """Return ids of the rows of largest inner product, ties by id."""
    found = []
    for query in queries:
        scores = (z @ query.astype(np.float64)).astype(np.float32)
        near = np.flatnonzero(scores >= -np.partition(-scores, k - 1)[k - 1])
        found.append(ids[near][np.lexsort((ids[near], -scores[near]))[:k]].tolist())
    return found


def mixture(n: int, d: int, seed: int) -> np.ndarray:
    """Return rows of norm one, in clusters."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(2000, d))
    z = centres[rng.integers(0, len(centres), n)] + 0.5 * rng.normal(size=(n, d))
    return (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)


def milliseconds(call: Any, queries: np.ndarray) -> float:
    """Return the median time of a call with one query."""
    times = []
    for query in queries[:50]:
        start = time.perf_counter()
        call(query)
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times))


def measure(
    name: str, z: np.ndarray, queries: np.ndarray, probes: Sequence[int]
) -> list[dict[str, Any]]:
    """Return a line for the flat index, and one for each number of partitions that are read."""
    n, d = z.shape
    ids = np.array([str(i) for i in range(n)], object)
    expected = brute_force(z.astype(np.float64), ids, queries, K)

    def numpy_search(query: np.ndarray) -> Any:
        scores = z @ query
        near = np.argpartition(-scores, K)[:K]
        return near[np.argsort(-scores[near])]

    alone = milliseconds(numpy_search, queries)
    space = SimpleNamespace(digest="0" * 64, manifest=SimpleNamespace(n_components=d), path="none")
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        index: Any = open_index(folder, bundle=space, create=True)  # type: ignore[arg-type]
        start = time.perf_counter()
        for first in range(0, n, 20_000):
            part = slice(first, first + 20_000)
            index.add("rows", ids[part], z[part])
        added = time.perf_counter() - start

        def line(kind: str, n_probes: int | str) -> dict[str, Any]:
            found = [[hit.id for hit in hits] for hits in index.search("rows", queries, K)]
            shared = [len({*a} & {*b}) / K for a, b in zip(expected, found, strict=True)]
            return {
                "data": name,
                "rows": n,
                "dimension": d,
                "kind": kind,
                "probes": n_probes,
                "recall_at_10": round(float(np.mean(shared)), 4),
                "same_order": found == expected,
                "ms": round(
                    milliseconds(lambda query: index.search("rows", query[None], K), queries), 2
                ),
                "ms_numpy": round(alone, 2),
                "seconds_to_add": round(added, 1),
            }

        index.flat_rows = n
        index.optimise()
        lines.append(line("flat", ""))
        print(lines[-1], flush=True)
        if probes:
            index.flat_rows = 0
            start = time.perf_counter()
            index.optimise()
            added += time.perf_counter() - start
            for n_probes in probes:
                index.n_probes = n_probes
                lines.append(line("ivf", n_probes))
                print(lines[-1], flush=True)
    return lines


def both_ways(name: str, embedded: dict[str, np.ndarray], probes: Sequence[int]) -> list[Any]:
    """Measure the search of each modality with the other."""
    lines = []
    rng = np.random.default_rng(0)
    for source, target in (list(embedded), list(embedded)[::-1]):
        queries = embedded[source][rng.permutation(len(embedded[source]))[:N_QUERIES]]
        lines += measure(f"{name}, {source} to {target}", embedded[target], queries, probes)
    return lines


def main(arguments: list[str] | None = None) -> None:
    """Measure, and write a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sprites", nargs=2, metavar=("MODEL", "DATA"))
    parser.add_argument("--rendered", type=int, default=0)
    parser.add_argument("--digits", metavar="FOLDER")
    parser.add_argument("--omniglot", metavar="FOLDER")
    parser.add_argument("--rows", type=int, nargs="*", default=[])
    parser.add_argument("--dimension", type=int, default=64)
    parser.add_argument("--probes", type=int, nargs="*", default=[8, 16, 32, 64])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    lines: list[dict[str, Any]] = []
    if options.sprites:
        model, data = map(Path, options.sprites)
        X = {name: np.load(data / f"{name}.npy") for name in ("image", "factors")}
        aligner = IBAligner.load(model)
        lines += both_ways("sprites", aligner.embed(X), [])
        if options.rendered:
            drawn = make_sprites(
                options.rendered, image_size=32, shared=["scale", "pos_x"], random_state=1
            )
            lines += both_ways("sprites", aligner.embed(drawn.data), options.probes)
    if options.digits:
        bunch = fetch_spoken_digits(path=options.digits, random_state=0)
        train, test = split_bunch(bunch, random_state=0)
        pairs: ClassPairs = train.data
        aligner = IBAligner(
            encoders={"audio": "mlp", "image": "mlp"}, max_epochs=5, random_state=0
        ).fit(pairs)
        lines += both_ways("spoken digits", embed_each(aligner, test.data), [])
    if options.omniglot:
        bunch = fetch_omniglot(path=options.omniglot)
        train, test = split_bunch(bunch, random_state=0)
        aligner = IBAligner(encoders="mlp", max_epochs=3, random_state=0).fit(train.data)
        lines += both_ways("omniglot", embed_each(aligner, bunch.data), [])
    for n in options.rows:
        z, queries = mixture(n, options.dimension, 1), mixture(N_QUERIES, options.dimension, 2)
        lines += measure("mixture", z, queries, options.probes)
        if options.out:  # after each, as the last take long
            pd.DataFrame(lines).to_csv(options.out, index=False)
    print(pd.DataFrame(lines).to_string(index=False))


def embed_each(aligner: IBAligner, X: Any) -> dict[str, np.ndarray]:
    """Return the embeddings of each modality alone, as they may differ in length."""
    return {name: aligner.encoder(name).transform(X[name]) for name in aligner.modality_names_}


if __name__ == "__main__":
    main()

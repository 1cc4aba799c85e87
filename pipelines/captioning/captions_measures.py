"""Measures of a captioner on test pictures: captions, retrieval, alignment and cost."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np
import pandas as pd

from mibsk import QFormerCaptioner
from mibsk.metrics import caption_scores, cka, retrieval_scores

from .arithmetic import arithmetic
from .captions_data import Part
from .scenes_measures import scene_scores

EARLY = 1 / 3  # share of the epochs whose loss says whether captions are learned from the beginning


def systems(captioner: QFormerCaptioner, train: Part, test: Part) -> dict[str, list[str]]:
    """Return the captions of the test pictures by the captioner, and by retrieval.

    ``nearest picture`` and ``nearest caption`` are captions of training pictures: the first one of
    the picture whose embedding, or the one whose own embedding, is nearest to the test picture.
    """
    first = [texts[0] for texts in train.captions]
    every = [text for texts in train.captions for text in texts]
    Z_train, Z_caption = captioner.transform(train.features, every)
    Z = captioner.transform(test.features)
    return {
        "captioner": list(captioner.predict(test.features)),
        "nearest picture": [first[row] for row in (Z @ Z_train.T).argmax(axis=1)],
        "nearest caption": [every[row] for row in (Z @ Z_caption.T).argmax(axis=1)],
    }


def scores_of(captions: list[str], test: Part) -> list[dict[str, Any]]:
    """Return the scores of captions, and of the same captions shuffled and of a person.

    One row for each of the captions and references of :func:`mibsk.metrics.caption_scores`.
    """
    table = caption_scores(captions, test.captions)["value"].unstack("score")
    found: list[dict[str, Any]] = []
    for row in table.reset_index().to_dict("records"):
        found.append({str(name): value for name, value in row.items()})
        if test.has_scenes and (row["references"], row["captions"]) == ("all", "given"):
            found[-1] |= scene_scores(captions, test.captions)
    return found


def retrieval(captioner: QFormerCaptioner, test: Part) -> dict[str, float]:
    """Return the recall of retrieval among the test pictures and all of their captions."""
    texts = [text for of_picture in test.captions for text in of_picture]
    picture = np.repeat(np.arange(len(test.captions)), [len(each) for each in test.captions])
    Z, Z_text = captioner.transform(test.features, texts)
    table = retrieval_scores(Z, Z_text, picture)["value"]
    return _named(table)


def alignment(captioner: QFormerCaptioner, test: Part) -> dict[str, float]:
    """Return CKA between the embeddings of captions and the queries.

    ``cka_best``: the largest one of a single query; ``cka_first``: that of query 0; ``cka_mean``:
    that of the mean of the queries; ``cka_embedding``: that of the embedding of the picture.
    """
    Z, Z_caption = captioner.transform(test.features, [texts[0] for texts in test.captions])
    queries = captioner.queries(test.features)
    of_query = [float(cka(queries[:, i], Z_caption)) for i in range(queries.shape[1])]
    return {
        "cka_best": max(of_query),
        "cka_first": of_query[0],
        "cka_mean": float(cka(queries.mean(axis=1), Z_caption)),
        "cka_embedding": float(cka(Z, Z_caption)),
    }


def losses(captioner: QFormerCaptioner) -> dict[str, float]:
    """Return the training loss of captions in the first third of the epochs, and in the last."""
    of_epoch = [epoch["train_captioning"] for epoch in captioner.aligner_.history_]
    n_early = max(1, round(EARLY * len(of_epoch)))
    return {"early_loss": float(np.mean(of_epoch[:n_early])), "last_loss": of_epoch[-1]}


def cost(captioner: QFormerCaptioner, test: Part) -> dict[str, float]:
    """Return parameters trained, largest memory of the process in MiB, and tokens per second.

    The tokens are those of greedy search, with stored keys and values.
    """
    start = time.perf_counter()
    captions = captioner.generate(test.features, n_beams=1)
    seconds = time.perf_counter() - start
    tokens = captioner.tokenizer_.encode(captions, max_length=captioner.max_length)
    return {
        "parameters": sum(weight.numel() for weight in captioner.aligner_.module_.parameters()),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "tokens_per_second": np.count_nonzero(tokens) / seconds,
    }


def analogies(captioner: QFormerCaptioner, test: Part) -> dict[str, float]:
    """Return the recall of arithmetic, if the test pictures are scenes."""
    if not test.has_scenes:
        return {}
    table = arithmetic(captioner, test)["value"]
    return _named(table)


def measure(captioner: QFormerCaptioner, test: Part) -> dict[str, float]:
    """Return everything but the captions."""
    return {
        **retrieval(captioner, test),
        **alignment(captioner, test),
        **analogies(captioner, test),
        **losses(captioner),
        **cost(captioner, test),
    }


def _named(values: pd.Series) -> dict[str, float]:
    """Return values by the joined levels of their index, such as ``word_recall_at_1``."""
    return dict(zip(map("_".join, values.index.tolist()), values.tolist(), strict=True))

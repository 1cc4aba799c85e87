"""Export of captioners: encoders, queries, and one step of writing, as ONNX files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from .. import __version__
from .._checks.packages import not_installed
from ..captioning import CAPTION, PICTURE, Memory
from ..data import InputSpec
from ..encoders import Encoder
from ..estimators import QFormerCaptioner
from ..exceptions import ParityError
from ..files.digest import sha256_of
from ..files.whole_files import check_can_write
from ..training import torch_defaults
from ._captioner import write_feed
from ._captioner_description import FILE, PARTS, CaptionerDescription
from ._encoder import OnnxEncoder
from ._export import export_encoder
from ._parity import BATCHES, TOLERANCE, random_inputs
from ._qformer_graph import look_graph, write_graph
from ._session import CPU, open_session


@torch_defaults()
def export_captioner(captioner: QFormerCaptioner, folder: str | Path) -> dict[str, Path]:
    """Write a captioner as ONNX files into a folder, from which `OnnxCaptioner` runs it.

    =================  ==================================================================
    file               from what to what
    =================  ==================================================================
    `picture.onnx`     features to embeddings, as of :func:`export_encoder`
    `caption.onnx`     tokens to embeddings, likewise
    `look.onnx`        features to keys and values of the queries, of each layer
    `write.onnx`       tokens, and keys and values of what is before them, to the scores
                       of the next tokens, and keys and values with the given ones
    `tokenizer.json`   word pieces, in the format of tokenizers
    `captioner.json`   settings, and digests of the other files
    =================  ==================================================================

    Batch size, number of tokens, and number of those before are free. An image encoder, the
    `tower` of a captioner, is not exported: the files take its features. Before any file is
    written, the outputs of all are compared with those of torch on random inputs: in batches of 1,
    7 and 64, for texts of several lengths that are read at once and token by token.

    Parameters
    ----------
    captioner : QFormerCaptioner
        Fitted.
    folder : str or Path
        Created if it does not exist; the files of an earlier captioner are replaced.

    Returns
    -------
    dict of str to Path
        File of each part, and "captioner".

    Raises
    ------
    TypeError
        If `captioner` is another estimator.
    ValueError
        If it was fitted without captions (``captioning=0``), or the folder cannot be written to.
    ParityError
        If ONNX and torch differ by more than 1e-4, embeddings as in :func:`export_encoder`. No file
        is written.
    NotInstalledError
        If onnx is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from mibsk import QFormerCaptioner
    >>> from mibsk.onnx import OnnxCaptioner, export_captioner
    >>> rng = np.random.default_rng(0)
    >>> features, captions = rng.normal(size=(60, 4, 8)), ["a cat", "a dog", "a boat"] * 20
    >>> captioner = QFormerCaptioner(width=32, n_layers=2, max_epochs=1, random_state=0)
    >>> captioner = captioner.fit(features, captions)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = export_captioner(captioner, folder)
    ...     onnx = OnnxCaptioner(folder)
    >>> onnx.generate(features[:5]) == captioner.generate(features[:5])
    True
    """
    if not isinstance(captioner, QFormerCaptioner):
        raise TypeError(
            f"captioner must be a fitted QFormerCaptioner, got {type(captioner).__name__}."
        )
    check_is_fitted(captioner)
    aligner, tokenizer = captioner.aligner_, captioner.tokenizer_
    if not aligner.encoders.captioning:
        raise ValueError(
            "the captioner was fitted with captioning=0, and has learned no captions: fit it with "
            "captioning=1.0, or export its encoders alone: export_encoders(captioner.aligner_, "
            "folder)."
        )
    try:
        import onnx
    except ImportError as error:
        raise not_installed("for export", "onnx") from error
    folder = Path(folder)
    check_can_write(folder / FILE)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as scratch:
        drafts = {part: Path(scratch) / name for part, name in PARTS.items()}
        parity = {}
        for name in (PICTURE, CAPTION):
            export_encoder(aligner, name, drafts[name])
            parity[name] = OnnxEncoder(drafts[name]).metadata_.parity
        encoder, spec = aligner.as_module(PICTURE), aligner.inputs_[PICTURE]
        tower: Any = encoder.backbone
        onnx.save(look_graph(tower, spec.shape), drafts["look"])
        onnx.save(write_graph(tower.qformer), drafts["write"])
        look, write = (open_session(drafts[part], [CPU], None) for part in ("look", "write"))
        parity["look"], parity["write"] = prove_same_words(look, write, spec, encoder)
        drafts["tokenizer"].write_text(tokenizer.to_json(), "utf-8")
        description = CaptionerDescription(
            files={
                part: {"file": draft.name, "sha256": sha256_of(draft)}
                for part, draft in drafts.items()
            },
            max_length=tower.qformer.max_length,
            n_queries=tower.qformer.n_queries,
            n_beams=int(captioner.n_beams),
            length_penalty=float(captioner.length_penalty),
            version=__version__,
            parity=parity,
        )
        drafts["captioner"] = Path(scratch) / FILE
        drafts["captioner"].write_text(description.to_json(), "utf-8")
        written = {part: folder / draft.name for part, draft in drafts.items()}
        for part, draft in drafts.items():  # the description last
            os.replace(draft, written[part])
    return written


def prove_same_words(
    look: Any, write: Any, spec: InputSpec, encoder: Encoder, *, seed: int = 0
) -> tuple[float, float]:
    """Compare the sessions of a captioner with torch, on random features and texts.

    Texts of several lengths are read at once, and then further tokens one by one.

    Returns
    -------
    look, write : float
        Largest difference of an output, relative to its largest value if that is more than 1.

    Raises
    ------
    ParityError
        If one is more than 1e-4, or not finite.
    """
    rng = np.random.default_rng(seed)
    tower: Any = encoder.backbone
    qformer = tower.qformer
    n_tokens, longest = qformer.tokens.num_embeddings, qformer.max_length
    errors = {"look": 0.0, "write": 0.0}

    def compare(part: str, n: int, found: list[np.ndarray], expected: list[torch.Tensor]) -> None:
        for ours, theirs in zip(found, expected, strict=True):
            scale = max(1.0, float(theirs.abs().max()))
            error = float(np.abs(ours - theirs.numpy()).max()) / scale
            if not error <= TOLERANCE:  # also raises for NaN
                raise ParityError(
                    f"{PARTS[part]} differs from torch by {error:.3g} at batch size {n} "
                    f"(tolerance: {TOLERANCE:g}); no file was written."
                )
            errors[part] = max(errors[part], error)

    with torch.inference_mode():
        for n in BATCHES:
            features = random_inputs(spec, encoder, n, rng)[0].astype(np.float32)
            memory = look.run(None, {"x": features})
            compare("look", n, memory, in_order(tower.memory_of(torch.from_numpy(features))))
            for n_first in {1, 2, longest - 2} & set(range(1, longest)):
                ours, theirs = memory, tower.memory_of(torch.from_numpy(features))
                for length in (n_first, 1, 1)[: longest - n_first + 1]:
                    tokens = rng.integers(1, n_tokens, size=(n, length))
                    logits, *ours = write.run(None, write_feed(tokens, ours))
                    expected, theirs = qformer.write(torch.from_numpy(tokens), theirs)
                    compare("write", n, [logits, *ours], [expected, *in_order(theirs)])
    return errors["look"], errors["write"]


def in_order(memory: Memory) -> list[torch.Tensor]:
    """Return keys and values of all layers in the order of the outputs."""
    return [each for pair in memory for each in pair]

"""Export of encoders of text that take strings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .._checks.packages import not_installed
from ..exceptions import ParityError
from ..files.whole_files import whole_file
from ._encoder import OnnxEncoder
from ._parity import TOLERANCE
from ._session import CPU, open_session
from ._text_graph import OPSET, takes_strings


def export_text_encoder(
    encoder: str | Path, path: str | Path, *, examples: Sequence[str] = ("", "An example")
) -> float:
    """Write an exported encoder of text as an ONNX file that takes strings.

    The input of the graph is ``x`` (batch,) of strings, its output ``z`` (batch, n_components). All
    steps before the encoder are in the graph, with operators of onnxruntime; other runtimes do not
    have them. Before the file is written, its outputs are compared with those of the encoder.

    Parameters
    ----------
    encoder : str or Path
        File that :func:`export_encoder` has written, of a modality of text.
    path : str or Path
        Replaced if it exists, but only by a file that passed the comparison.
    examples : sequence of str
        Texts of the comparison.

    Returns
    -------
    float
        Largest absolute difference on the examples.

    Raises
    ------
    ValueError
        If the encoder is not one of text.
    ParityError
        If the files differ by more than 1e-4.
    NotInstalledError
        If onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise not_installed("for export", "onnx") from error
    given = OnnxEncoder(encoder, providers=[CPU])
    metadata = given.fit().metadata_
    if metadata.input.kind != "text":
        raise ValueError(
            f"{encoder} is the encoder of modality {metadata.input.name!r}, which takes "
            f"{metadata.input.kind} rows: only encoders of text can take strings."
        )
    if not metadata.input.is_ngrams:
        raise ValueError(
            f"{encoder} reads token ids of a pretrained tower, and no graph computes those of "
            "strings: use OnnxEncoder, which has the tokenizer."
        )
    model = onnx.load(encoder)
    version = next(each.version for each in model.opset_import if not each.domain)
    if version < OPSET:  # of a graph that was traced
        model = onnx.version_converter.convert_version(model, OPSET)
    model = takes_strings(model)
    props = {"modality": metadata.input.name, "input": "strings", "version": metadata.version}
    onnx.helper.set_model_props(model, {f"mibsk.strings.{k}": v for k, v in props.items()})
    texts = np.array(examples, object)
    with whole_file(path) as file:  # which an error leaves as it was
        file.write(model.SerializeToString(deterministic=True))
        file.flush()
        z = open_session(file.name, [CPU], None).run(["z"], {"x": texts})[0]
        difference = float(np.abs(z - given.transform(texts)).max(initial=0))
        if not difference <= TOLERANCE:
            raise ParityError(
                f"the encoder of modality {metadata.input.name!r} with strings as input differs by "
                f"{difference:.3g} from that of n-grams (tolerance: {TOLERANCE:g}); no file was "
                "written."
            )
    return difference

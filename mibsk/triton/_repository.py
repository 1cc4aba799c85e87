"""Writing of a Triton model repository."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from pathlib import Path

from ..bundle import Bundle
from ..files.digest import sha256_of
from ..files.whole_files import replace_file
from ..onnx import open_session
from ._config import Tensor, config_text, quoted

CONFIG, MODEL = "config.pbtxt", "model.onnx"
_LONGEST_NAME = 200  # characters; file systems have a limit of 255 bytes
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_.-]")
_DIGITS = 8  # of the digest in a name that was changed
_UNFINISHED = ".unfinished-"


def write_model_repository(
    bundle: Bundle, folder: str | Path, *, max_batch_size: int = 64
) -> dict[str, Path]:
    """Write the encoders of a bundle as models of a Triton model repository.

    Each modality is a model, named after the bundle and the modality, such as ``digits-image``, and
    after the variant, if the bundle is opened as one. Other characters than letters and digits of
    ASCII, "_", "." and "-" become "_", and a short digest of the name follows. Text is taken as
    strings, but by variants. Of a model that the repository already has, the encoder becomes the
    next version, unless it is the newest one; Triton serves the newest. A version appears in the
    repository when it is complete. The parameter ``mibsk_digest`` of the models is the digest of
    the bundle: only embeddings of models with the same digest are in one space.

    Parameters
    ----------
    bundle : Bundle
        The exported encoders.
    folder : str or Path
        The model repository; created if it does not exist.
    max_batch_size : int, default=64
        Number of rows up to which Triton puts requests together.

    Returns
    -------
    dict of str to Path
        The folder of the version of each modality, ``folder/model/version``.

    Raises
    ------
    ValueError
        If `max_batch_size` is not positive, or the repository has a model of the same name that is
        of another bundle or modality.
    OSError
        If a file cannot be written. Versions that were complete stay as they are.

    Examples
    --------
    >>> import tempfile
    >>> from mibsk import IBAligner
    >>> from mibsk.bundle import Bundle, write_bundle
    >>> from mibsk.datasets import load_digits_halves
    >>> from mibsk.triton import write_model_repository
    >>> halves = load_digits_halves().data
    >>> aligner = IBAligner(n_components=8, max_epochs=1, random_state=0).fit(halves)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     manifest = write_bundle(aligner, f"{folder}/bundle", name="digits")
    ...     versions = write_model_repository(Bundle(f"{folder}/bundle"), f"{folder}/repository")
    >>> ["/".join(path.parts[-2:]) for path in versions.values()]
    ['digits-left/1', 'digits-right/1']
    """
    if max_batch_size < 1:
        raise ValueError(f"max_batch_size must be a positive number of rows, got {max_batch_size}.")
    written = {}
    for modality in bundle.modalities:
        file = bundle.path / _graph(bundle, modality)
        variant = () if bundle.variant is None else (bundle.variant,)
        name = _model_name(bundle.manifest.name, modality, *variant)
        config = _config(bundle, name, modality, file, max_batch_size)
        _check_same_model(Path(folder) / name, bundle.manifest.name, modality)
        written[modality] = _add_version(Path(folder) / name, file, config)
    return written


def _graph(bundle: Bundle, modality: str) -> str:
    """Return the name of the file that Triton is to run."""
    if bundle.variant is not None:
        return bundle.manifest.variants[bundle.variant].encoders[modality].file
    each = bundle.manifest.encoders[modality]
    return each.file if each.strings is None else each.strings.file


def _model_name(*names: str) -> str:
    """Return the name of a folder, which is that of the model in requests.

    It has letters, digits, "_", "." and "-" of ASCII only, as it is a part of addresses. A name
    that is changed for that ends in a digest, so that different names stay different.
    """
    name = "-".join(names)
    plain = _NOT_PLAIN.sub("_", name)[:_LONGEST_NAME]
    if plain != name:
        plain = f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"
    return plain


def _config(bundle: Bundle, name: str, modality: str, file: Path, max_batch_size: int) -> str:
    session = open_session(file, ["CPUExecutionProvider"], None)
    return config_text(
        name,
        [Tensor.of(argument) for argument in session.get_inputs()],
        [Tensor.of(argument) for argument in session.get_outputs()],
        max_batch_size=max_batch_size,
        parameters={
            "mibsk_digest": bundle.digest,
            "mibsk_model": bundle.manifest.name,
            "mibsk_modality": modality,
        },
    )


def _check_same_model(folder: Path, name: str, modality: str) -> None:
    """Raise if a folder is that of another model, of which a name is the same when joined."""
    file = folder / CONFIG
    if not file.is_file():
        return
    earlier = file.read_text()
    if all(f"string_value: {quoted(each)} }}" in earlier for each in (name, modality)):
        return
    raise ValueError(
        f"{folder} is the model of another bundle than {name!r}, or of another modality than "
        f"{modality!r}: write them to different repositories, or give the bundle another name."
    )


def _add_version(model: Path, source: Path, config: str) -> Path:
    """Write the configuration, then the version, and return its folder."""
    model.mkdir(parents=True, exist_ok=True)
    versions = [int(path.name) for path in model.iterdir() if path.name.isdecimal()]
    newest = model / str(max(versions, default=0))
    is_new = not (newest / MODEL).is_file() or sha256_of(newest / MODEL) != sha256_of(source)
    replace_file(model / CONFIG, [config.encode()])
    if not is_new:
        return newest
    aside = model / f"{_UNFINISHED}{uuid.uuid4().hex}"  # Triton reads only folders named by numbers
    try:
        replace_file(aside / MODEL, [source.read_bytes()])
        version = model / str(max(versions, default=0) + 1)
        os.replace(aside, version)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return version

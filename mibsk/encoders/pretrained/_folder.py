"""Towers in folders as transformers and sentence-transformers write them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from torch import nn

from ..._checks.packages import not_installed
from ._files import PICTURES, SENTENCES, digest_of_files
from ._pictures import PictureSettings, PixelValues
from ._stages import Layers, Output, PictureEmbedding, Pool, TextEmbedding
from ._tokenizer import read_tokenizer

OutputKind = Literal["pooled", "projected", "tokens"]


@dataclass(frozen=True)
class Family:
    """Where a model of transformers has its stages.

    Parameters
    ----------
    reads : {"text", "picture"}
        What its rows are.
    pool : str
        As for :class:`Output`.
    norm, before, project : str, default=""
        Names of the normalisation of the last states, of that of the embeddings, and of the module
        that is applied to the pooled state.
    is_causal : bool, default=False
        Whether tokens attend only to those before them.
    pads : bool, default=False
        Whether the tower was trained on texts of one length, filled with a token.
    """

    reads: Literal["text", "picture"]
    pool: Pool
    norm: str = ""
    before: str = ""
    project: str = ""
    is_causal: bool = False
    pads: bool = False


_CLASS_TOKEN = Family("picture", "class", "layernorm")
_SENTENCE = Family("text", "mean")

FAMILIES = {
    "vit": _CLASS_TOKEN,
    "deit": _CLASS_TOKEN,
    "dinov2": _CLASS_TOKEN,
    "dinov2_with_registers": _CLASS_TOKEN,
    "clip_vision_model": Family(
        "picture", "class", before="pre_layrnorm", project="post_layernorm"
    ),
    "clip_text_model": Family("text", "last", "final_layer_norm", is_causal=True),
    "siglip_vision_model": Family("picture", "module", "post_layernorm", project="head"),
    "siglip_text_model": Family("text", "last", "final_layer_norm", project="head", pads=True),
    "bert": _SENTENCE,
    "roberta": _SENTENCE,
    "xlm-roberta": _SENTENCE,
    "distilbert": _SENTENCE,
}
"""Models by the `model_type` of their configuration."""

PAIRS = {"clip": "clip_{}_model", "siglip": "siglip_{}_model"}
"""Models of a tower for pictures and one for text, with the names of their families."""


class Folder:
    """A pretrained tower in a folder of transformers, or two of them.

    Parameters
    ----------
    path : Path
        Folder with ``config.json`` and weights as safetensors.

    Raises
    ------
    ValueError
        If it has no such files, or a model of another family.
    """

    reads_bytes = True
    """Whether pictures are normalised here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / "config.json").is_file():
            raise ValueError(
                f"{path} has no config.json: expected a folder written by save_pretrained of "
                "transformers, or a file model.onnx."
            )
        if not any(path.glob("*.safetensors")):
            raise ValueError(
                f"{path} has no safetensors file. Pickled weights (pytorch_model.bin) are not "
                "read, since they can run code: load the model where you trust it, and write "
                "it with save_pretrained(folder)."
            )
        try:
            self.config = json.loads((path / "config.json").read_text("utf-8"))
        except ValueError as error:
            raise ValueError(
                f"{path / 'config.json'} is damaged, {error}: copy the folder again."
            ) from error
        self.model_type: str = self.config.get("model_type", "")
        if self.model_type not in {*FAMILIES, *PAIRS}:
            raise ValueError(
                f"{path} has a model of the type {self.model_type!r}: known are "
                f"{', '.join(sorted({*FAMILIES, *PAIRS}))}. Export it to ONNX, or pass it as an "
                "nn.Module, Frozen(module)."
            )

    @cached_property
    def digest(self) -> str:
        """Digest of all files that the features depend on, except for the tokenizer."""
        files = [self.path / name for name in ("config.json", *PICTURES, *SENTENCES)]
        return digest_of_files([*files, *sorted(self.path.glob("*.safetensors*"))])

    def tokenizer(self, max_length: int | None) -> str:
        """Return the tokenizer as JSON; "" if the tower reads no text."""
        family = self._family("text")
        if family is None:
            return ""
        config = self.config.get("text_config", self.config)
        longest = config.get("max_position_embeddings")
        if self.model_type in ("roberta", "xlm-roberta") and longest:
            longest -= config.get("pad_token_id", 1) + 1  # positions are counted from there
        return read_tokenizer(self.path, max_length, longest, pads=family.pads)

    def stages(
        self, input_shape: tuple[int, ...], output: OutputKind
    ) -> tuple[nn.Module, Layers, nn.Module]:
        """Return embedding, layers and output of the tower for rows of this shape.

        Raises
        ------
        ValueError
            If the tower cannot read such rows, or lacks this output or weights.
        """
        reads: Literal["text", "picture"] = "text" if len(input_shape) == 1 else "picture"
        family = self._family(reads)
        if family is None:
            raise ValueError(
                f"the tower in {self.path} ({self.model_type}) does not read rows of shape "
                f"{input_shape}: pass "
                + ("strings." if reads == "picture" else "pictures (n, H, W, 3) or (n, H, W).")
            )
        # AutoModel does not know the text model of SigLIP without its picture model
        name = "SiglipTextModel" if self.model_type == "siglip_text_model" else "AutoModel"
        whole, missing = _load(self.path, name)
        prefix = "" if self.model_type in FAMILIES else f"{_part(reads)}_model"
        model = whole.get_submodule(prefix)
        used = [name for name in missing if name.startswith(prefix) and "pooler." not in name]
        if used:
            raise ValueError(
                f"{self.path} lacks weights of its {self.model_type} model, such as {used[0]!r}: "
                "download or save it again."
            )
        layers = Layers(list(_layers(model)), is_text=reads == "text", is_causal=family.is_causal)
        embedding: nn.Module
        if reads == "text":
            embedding = TextEmbedding(model.embeddings, model.config.pad_token_id or 0)
        else:
            pixels = PixelValues(PictureSettings.read(self.path), input_shape)
            embedding = PictureEmbedding(pixels, model.embeddings, _submodule(model, family.before))
        norm, project = _submodule(model, family.norm), _submodule(model, family.project)
        if output == "tokens":
            return embedding, layers, Output(norm, None)
        pool, normalize = family.pool, False
        if family is _SENTENCE:
            pool, normalize = sentence_pooling(self.path)
        if output == "projected":
            name = "text_projection" if reads == "text" else "visual_projection"
            projection = getattr(whole, name, None)
            if projection is None:
                raise ValueError(
                    f"the tower in {self.path} ({self.model_type}) has no projection: choose "
                    "output='pooled'."
                )
            project = nn.Sequential(*[each for each in (project, projection) if each is not None])
        return embedding, layers, Output(norm, pool, project, normalize=normalize)

    def _family(self, reads: Literal["text", "picture"]) -> Family | None:
        """Return the family of the tower that reads text or pictures, None if there is none."""
        name = self.model_type
        if name in PAIRS:
            name = PAIRS[name].format(_part(reads))
        family = FAMILIES[name]
        return family if family.reads == reads else None


def sentence_pooling(folder: Path) -> tuple[Pool, bool]:
    """Return how sentence-transformers pools the states, the mean where it says nothing."""
    path = folder / "1_Pooling" / "config.json"
    pooling = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    chosen = [
        name for name, on in pooling.items() if name.startswith("pooling_mode") and on is True
    ]
    known: dict[str, Pool] = {
        "pooling_mode_cls_token": "class",
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_max_tokens": "max",
    }
    if len(chosen) > 1 or not set(chosen) <= set(known):
        raise ValueError(f"{path} pools by {chosen}: expected one of {sorted(known)}.")
    path = folder / "modules.json"
    modules = json.loads(path.read_text("utf-8")) if path.is_file() else []
    types = [module["type"].rpartition(".")[2] for module in modules]
    if others := set(types) - {"Transformer", "Pooling", "Normalize"}:
        raise ValueError(
            f"{path} has the modules {sorted(others)}, which are not known here: pass the model "
            "as an nn.Module, Frozen(module), or precomputed features."
        )
    return known[chosen[0]] if chosen else "mean", "Normalize" in types


def _part(reads: Literal["text", "picture"]) -> str:
    """Return what transformers calls the tower of such rows in a model of two."""
    return "text" if reads == "text" else "vision"


def _load(path: Path, name: str) -> tuple[Any, set[str]]:
    """Return a model of transformers in eval mode, and the names of weights that are not there.

    `name` is the class of the model.
    """
    try:
        import transformers
    except ImportError as error:
        raise not_installed("to read a pretrained tower", "transformers") from error
    shown = transformers.logging
    verbosity, bars = shown.get_verbosity(), shown.is_progress_bar_enabled()
    shown.set_verbosity_error()  # it would warn of weights of heads, which are not used here
    shown.disable_progress_bar()
    try:
        # weights that are not there are drawn, which is not to change others that are
        with torch.random.fork_rng(devices=[]):
            model, found = getattr(transformers, name).from_pretrained(
                str(path),
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                dtype=torch.float32,
                attn_implementation="sdpa",
                output_loading_info=True,
            )
    except SafetensorError as error:
        raise ValueError(
            f"the weights in {path} are damaged, {error}: copy the folder again."
        ) from error
    finally:
        shown.set_verbosity(verbosity)
        if bars:
            shown.enable_progress_bar()
    return model.eval(), set(found["missing_keys"])


def _layers(model: nn.Module) -> nn.ModuleList:
    """Return the layers of a model, which have another name in each family."""
    for name in ("encoder.layer", "encoder.layers", "transformer.layer", "layers"):
        try:
            found = model.get_submodule(name)
        except AttributeError:
            continue
        assert isinstance(found, nn.ModuleList)
        return found
    raise NotImplementedError(f"{type(model).__name__} has no layers under a known name.")


def _submodule(model: nn.Module, name: str) -> nn.Module | None:
    """Return a part of a model, None for the name ""."""
    return model.get_submodule(name) if name else None

"""Words for pictures: the querying transformer between features and text, and its decoding."""

from .._checks import training_packages  # noqa: F401
from ._beam_search import beam_search
from ._qformer import Memory, QFormer
from ._tokenizer import BEGIN, END, PADDING, UNKNOWN, CaptionTokenizer
from ._towers import CAPTION, PICTURE, QFormerTowers, hard_negatives

__all__ = [
    "BEGIN",
    "CAPTION",
    "END",
    "PADDING",
    "PICTURE",
    "UNKNOWN",
    "CaptionTokenizer",
    "Memory",
    "QFormer",
    "QFormerTowers",
    "beam_search",
    "hard_negatives",
]

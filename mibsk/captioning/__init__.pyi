from ._attention import attention_of_queries
from ._beam_search import beam_search
from ._captions import Captions, check_texts, read_captions
from ._likeliest_texts import check_search, likeliest_texts, likeliest_tokens
from ._names import CAPTION, PICTURE
from ._qformer import Memory, QFormer
from ._sampling import sample_texts
from ._tokenizer import BEGIN, END, PADDING, UNKNOWN, CaptionTokenizer
from ._towers import (
    CaptionTower,
    PictureTower,
    QFormerTowers,
    hard_negatives,
)

__all__ = [
    "BEGIN",
    "CAPTION",
    "END",
    "PADDING",
    "PICTURE",
    "UNKNOWN",
    "CaptionTokenizer",
    "CaptionTower",
    "Captions",
    "Memory",
    "PictureTower",
    "QFormer",
    "QFormerTowers",
    "attention_of_queries",
    "beam_search",
    "check_search",
    "check_texts",
    "hard_negatives",
    "likeliest_texts",
    "likeliest_tokens",
    "read_captions",
    "sample_texts",
]

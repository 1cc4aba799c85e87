"""Metrics of generated captions against those that people wrote."""

from ._bleu import bleu
from ._cider import cider_d
from ._rouge import rouge_l
from ._tables import caption_scores, compare_captions
from ._texts import caption_tokens

__all__ = ["bleu", "caption_scores", "caption_tokens", "cider_d", "compare_captions", "rouge_l"]

from ._open import open_index
from ._protocol import Index
from ._values import Content, Hit, ModalitySummary, Row

__all__ = ["Content", "Hit", "Index", "ModalitySummary", "Row", "open_index"]

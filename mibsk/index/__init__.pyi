from ._content import content_of
from ._index_files import Indexed, index_files, summary
from ._open import open_index
from ._protocol import Index
from ._queries import embed_queries, parse_where
from ._values import Content, Hit, ModalitySummary, Row

__all__ = [
    "Content",
    "Hit",
    "Index",
    "Indexed",
    "ModalitySummary",
    "Row",
    "content_of",
    "embed_queries",
    "index_files",
    "open_index",
    "parse_where",
    "summary",
]

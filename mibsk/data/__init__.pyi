from ._batches import Batches, make_batches
from ._class_pairs import ClassPairs
from ._columns import by_name
from ._digest import digest
from ._duplicate_groups import duplicate_groups
from ._duplicates import duplicate_rows, warn_duplicates
from ._forms import (
    ColumnsForm,
    Form,
    MappingForm,
    check_table,
    form_from_dict,
    form_to_dict,
    is_mapping,
    is_table,
    read_form,
)
from ._inputs import InputSpec
from ._items import check_known, stack_items
from ._missing import Mask, present_rows, rows_with_missing, without_missing
from ._modalities import Modalities
from ._modality_transformer import ModalityTransformer, entry
from ._named_output import with_row_names
from ._padding import pad_csr
from ._pairing import ClassPairing, FixedPairing
from ._prepared_chunks import chunks_with_missing, prepared_chunks
from ._presence import Presence
from ._rows import (
    Batch,
    EncoderInput,
    Features,
    Rows,
    first_tensor,
    make_rows,
    slice_rows,
    to_batch,
)
from ._source import (
    Source,
    TensorSource,
    dataset_columns,
    dataset_source,
    make_source,
    tensor_source,
)
from ._stream import StreamBatches, StreamSource, stream_chunks
from ._token_ids import NO_TOKEN, token_ids, tokenizer_length, vocabulary_size

__all__ = [
    "Batch",
    "Batches",
    "ClassPairing",
    "ClassPairs",
    "ColumnsForm",
    "EncoderInput",
    "Features",
    "FixedPairing",
    "Form",
    "InputSpec",
    "MappingForm",
    "Mask",
    "Modalities",
    "NO_TOKEN",
    "ModalityTransformer",
    "Presence",
    "Rows",
    "Source",
    "StreamBatches",
    "StreamSource",
    "TensorSource",
    "by_name",
    "check_known",
    "check_table",
    "chunks_with_missing",
    "dataset_columns",
    "dataset_source",
    "digest",
    "duplicate_groups",
    "duplicate_rows",
    "entry",
    "first_tensor",
    "form_from_dict",
    "form_to_dict",
    "is_mapping",
    "is_table",
    "make_batches",
    "make_rows",
    "make_source",
    "pad_csr",
    "prepared_chunks",
    "present_rows",
    "read_form",
    "rows_with_missing",
    "slice_rows",
    "stack_items",
    "stream_chunks",
    "tensor_source",
    "to_batch",
    "token_ids",
    "tokenizer_length",
    "vocabulary_size",
    "warn_duplicates",
    "with_row_names",
    "without_missing",
]

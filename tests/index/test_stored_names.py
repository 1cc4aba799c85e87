"""Names of modalities and columns survive in every store."""

import re

from hypothesis import given
from hypothesis import strategies as st

from mibsk.index._stored_names import column_of, decode_name, encode_name, metadata_columns

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(NAMES)
def test_a_name_comes_back(name):
    assert decode_name(encode_name(name)) == name
    assert re.fullmatch(r"[a-z0-9_]+", encode_name(name))


@given(st.lists(NAMES, unique=True))
def test_names_stay_different(names):
    assert len({encode_name(name) for name in names}) == len(names)


def test_a_stored_column_has_its_type_in_its_name():
    columns = {"Année": "integer", "m_x": "string", "is it?": "boolean", "x.y": "number"}
    stored = ["id", "number", "media_type", "source", "content", "vector"]
    stored += [column_of(name, kind) for name, kind in columns.items()]
    assert metadata_columns(stored) == columns
    assert column_of("m_x", "string") == "s_m_5fx"

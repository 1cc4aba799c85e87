import hashlib

import pytest

from mibsk.files.digest import sha256_of


@pytest.mark.parametrize("content", [b"", b"abc", b"x" * 1_000_003])
def test_it_is_the_digest_of_the_content(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "file")

"""Reader of wav recordings in a zip archive."""

import hashlib
import io
import re
import wave
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._data_file import DataFileError

SAMPLE_RATE = 8000  # Hz
MAX_BYTES = 2**20  # of one recording: a minute of audio, while the longest lasts 2.3 s
NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[a-z]+)_(?P<index>\d+)\.wav")


class Recordings(NamedTuple):
    """Recordings sorted by digit, speaker and index."""

    digits: NDArray[np.int64]  # n
    speakers: NDArray[np.str_]  # n
    waves: list[NDArray[np.int16]]  # n arrays of different lengths
    checksum: str  # output of `LC_ALL=C sha256sum *.wav | sha256sum`


def read_recordings(file: Path) -> Recordings:
    """Read all members named ``digit_speaker_index.wav``, in any folder of the archive.

    Nothing is written to disk, and members with other names are ignored.

    Raises
    ------
    DataFileError
        If the archive is damaged, holds no recordings or two of the same name, or a recording is
        not 8 kHz 16-bit mono.
    """
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                name = PurePosixPath(member.filename).name
                if NAME.fullmatch(name) is None:
                    continue
                if name in found:
                    raise DataFileError(f"holds two recordings named {name}")
                if member.file_size > MAX_BYTES:
                    raise DataFileError(f"holds {name} with {member.file_size} bytes: too long")
                found[name] = archive.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DataFileError(f"is damaged or not a zip archive ({error})") from error
    if not found:
        raise DataFileError("holds no recordings named digit_speaker_index.wav")

    lines = (f"{hashlib.sha256(found[name]).hexdigest()}  {name}\n" for name in sorted(found))
    names = sorted(found, key=_sort_key)
    digits, speakers, _ = zip(*map(_sort_key, names), strict=True)
    return Recordings(
        digits=np.array(digits, dtype=np.int64),
        speakers=np.array(speakers),
        waves=[_read_wave(name, found[name]) for name in names],
        checksum=hashlib.sha256("".join(lines).encode()).hexdigest(),
    )


def _sort_key(name: str) -> tuple[int, str, int]:
    digit, speaker, index = name.removesuffix(".wav").split("_")
    return int(digit), speaker, int(index)


def _read_wave(name: str, content: bytes) -> NDArray[np.int16]:
    try:
        with wave.open(io.BytesIO(content)) as recording:
            channels, width, rate = recording.getparams()[:3]
            samples = recording.readframes(recording.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataFileError(f"holds {name}, which is not a wav file ({error})") from error
    if (channels, width, rate) != (1, 2, SAMPLE_RATE):
        raise DataFileError(
            f"holds {name} with {channels} channel(s), {8 * width} bits, {rate} Hz, "
            f"where 1 channel, 16 bits, {SAMPLE_RATE} Hz were expected"
        )
    return np.frombuffer(samples, dtype="<i2").astype(np.int16, copy=False)

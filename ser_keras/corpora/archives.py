"""ZIP archives from elsewhere: looked through before anything is written, unpacked whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from ser_keras.corpora.listing import AUDIO_SUFFIXES, kind
from ser_keras.support.errors import SerError, SourceError
from ser_keras.support.files import reason
from ser_keras.support.names import printable

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MEMBERS = 100_000
NAME, PATH = 255, 3000  # bytes that a file system takes
# Bytes unpacked: sound shrinks to a third; what shrinks to a twentieth is made to burst.
GROWTH, LEAST = 20, 10**6
ENCRYPTED = 0x1
CHUNK = 2**16

Members = list[tuple[zipfile.ZipInfo, PurePosixPath]]


class BadArchiveError(Exception):
    """What is wrong with an archive, as words for behind its name."""


def unpack(archive: Path, folder: Path, *, known: Mapping[str, str], only_known: bool = False) -> int:
    """Unpack a ZIP archive into `folder`, all of it or nothing.

    Files that are there already, the same by length and CRC, are kept. Everything is unpacked beside the archive
    first, and put in its place when all of it is as it should be.

    Args:
        archive: The ZIP file.
        folder: Where its members go.
        known: First digits of each recording's SHA-256 by utterance; members that it does not name are not checked.
        only_known: Take only the recordings that `known` names, and of those only the published files.

    Returns:
        Recordings that were left out, as their files are not the published ones (with `only_known`).

    Raises:
        SourceError: The archive is damaged, altered, or would write elsewhere; it is removed.
        SerError: The folder cannot be written, or the disk is full.
    """
    staging = archive.parent / "unpacked"
    try:
        with _opened(archive) as opened:
            members = _checked(opened, archive)
            _room(archive.parent, sum(member.file_size for member, _ in members))
            staged, left_out = _staged(opened, members, folder, staging, known, only_known)
        for inside in staged:
            (folder / inside).parent.mkdir(parents=True, exist_ok=True)
            (staging / inside).replace(folder / inside)
    except BadArchiveError as error:
        archive.unlink(missing_ok=True)
        raise SourceError(f"{printable(archive)} {error}; it was removed") from error
    except OSError as error:
        raise SerError(f"{printable(folder)} cannot be written: {reason(error)}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return left_out


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        opened = zipfile.ZipFile(archive)
    except Exception as error:  # a hostile directory of members raises many kinds
        raise BadArchiveError(f"is damaged ({printable(error) or type(error).__name__})") from error
    with opened:
        yield opened


def _checked(opened: zipfile.ZipFile, archive: Path) -> Members:
    """The files to unpack, each with its place, if nothing speaks against any of them."""
    if len(opened.infolist()) > MEMBERS:
        raise BadArchiveError(f"is refused: {len(opened.infolist()):,} members are no corpus")
    members: Members = []
    for member in opened.infolist():
        inside = PurePosixPath(member.filename.replace("\\", "/"))
        name = printable(member.filename[:100])
        if inside.is_absolute() or ".." in inside.parts or any(":" in part for part in inside.parts):
            raise BadArchiveError(f'is refused: "{name}" would land outside its folder')
        if printable(member.filename) != member.filename or not inside.parts:
            raise BadArchiveError(f'is refused: "{name}" is no name of a file')
        if max(len(part.encode()) for part in inside.parts) > NAME or len(str(inside).encode()) > PATH:
            raise BadArchiveError(f'is refused: the name "{name}..." is too long')
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise BadArchiveError(f'is refused: "{name}" is a link or a device, not a file')
        if member.is_dir():
            continue
        if member.flag_bits & ENCRYPTED:
            raise BadArchiveError(f'is refused: "{name}" is encrypted')
        if member.compress_type not in METHODS:
            raise BadArchiveError(f'is refused: "{name}" is compressed by another method ({member.compress_type})')
        members.append((member, inside))
    if sum(member.file_size for member, _ in members) > GROWTH * archive.stat().st_size + LEAST:
        raise BadArchiveError("is refused: unpacked, it would be far larger than any corpus")
    names = [str(inside).casefold() for _, inside in members]
    parents = {str(parent).casefold() for _, inside in members for parent in inside.parents}
    if len(set(names)) < len(names) or parents & set(names):
        raise BadArchiveError("is refused: two of its members have one name")
    return members


def _room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SerError(
            f"{printable(folder)} has {free / 10**6:,.0f} MB left, and {needed / 10**6:,.0f} MB are needed to unpack; "
            "free some space and run the same command again"
        )


def _staged(
    opened: zipfile.ZipFile,
    members: Members,
    folder: Path,
    staging: Path,
    known: Mapping[str, str],
    only_known: bool,
) -> tuple[list[PurePosixPath], int]:
    """Unpack into `staging` what is wanted and not there; its places, and how many recordings were left out."""
    staged, left_out, recordings = [], 0, 0
    for member, inside in members:
        # By its ending, too: Emo-DB's labels bear the names of its recordings.
        published = known.get(inside.stem) if inside.suffix.lower() in AUDIO_SUFFIXES else None
        if only_known and published is None:
            continue
        if _is_there(folder / inside, member):
            recordings += published is not None
            continue
        (staging / inside).parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with (staging / inside).open("wb") as file:
            for chunk in _read(opened, member):
                file.write(chunk)
                digest.update(chunk)
        if digest.hexdigest().startswith(published or ""):
            staged.append(inside)
            recordings += published is not None
        elif only_known:
            left_out += 1
        else:
            raise BadArchiveError(f'is damaged ("{printable(member.filename)}" is not the published recording)')
    if known and not recordings:
        raise BadArchiveError("is refused: it holds none of the corpus's recordings")
    return staged, left_out


def _is_there(path: Path, member: zipfile.ZipInfo) -> bool:
    """Whether the file was unpacked before, whole."""
    return kind(path) == "" and path.stat().st_size == member.file_size and zlib.crc32(path.read_bytes()) == member.CRC


def _read(opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The member's bytes, never more than it says to have."""
    size = 0
    try:
        with opened.open(member) as file:
            while chunk := file.read(CHUNK):
                size += len(chunk)
                if size > member.file_size:
                    raise zipfile.BadZipFile("it is longer than it says")
                yield chunk
        if size != member.file_size:
            raise zipfile.BadZipFile("it is shorter than it says")
    except Exception as error:  # zlib.error, BadZipFile, RuntimeError and others
        raise BadArchiveError(
            f'is damaged ("{printable(member.filename)}": {printable(error) or type(error).__name__})'
        ) from error

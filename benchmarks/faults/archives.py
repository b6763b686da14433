"""Downloads under attack: archives that would harm, servers on loopback that cheat, drip or say nothing.

Each trial downloads a corpus of three recordings and loads it. It is handled where that ends with an explained error,
or with the recordings as published; silent where anything else lies there, or anywhere beside it.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import http.server
import io
import random
import stat
import struct
import tempfile
import threading
import time
import wave
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from ser_keras.corpora import savee, transfer
from ser_keras.corpora.base import Corpus, Remote
from ser_keras.corpora.download import download
from ser_keras.support.errors import SerError

TITLE = "Hostile archives and servers"
FULL, QUICK = 100, 15
HANG = 30  # seconds
# Of a real server much more patience is had.
LIMITS = transfer.Limits(margin=20_000, seconds=3, rate=20_000, window=0.3)

Handler = http.server.BaseHTTPRequestHandler
Behaviour = Callable[[Handler, bytes], None]


def recording(number: int) -> bytes:
    """A tenth of a second of noise as WAV."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(random.Random(number).randbytes(3200))
    return buffer.getvalue()


PUBLISHED = {f"AudioData/DC/a0{number}.wav": recording(number) for number in (1, 2, 3)}


@dataclass(frozen=True, kw_only=True)
class Served(Corpus):
    """A corpus whose sums are known."""

    sums: dict[str, str] = field(default_factory=dict)

    def checksums(self) -> dict[str, str]:
        """Those of the three recordings."""
        return self.sums


def corpus(*remotes: Remote) -> Served:
    """Three recordings with SAVEE's names, to be had from the remotes."""
    sums = {Path(name).stem: hashlib.sha256(content).hexdigest()[:16] for name, content in PUBLISHED.items()}
    return Served(
        name="served",
        title="Three recordings",
        citation="-",
        licence="-",
        how_to_get="It is served on loopback",
        emotions=("angry",),
        expected=len(sums),
        folder="served",
        parse=_parse,
        remote=remotes,
        sums=sums,
    )


def _parse(path: Path) -> dict | None:
    row = savee.parse(Path("DC") / path.name)
    return row and row | {"utterance": path.stem}


# Archives


def zipped(members: dict[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]], method: int = 8) -> bytes:
    """A ZIP archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as opened:
        for name, content in members.items() if isinstance(members, dict) else members:
            opened.writestr(name, content)
    return buffer.getvalue()


GOOD = zipped(PUBLISHED)


def with_member(name: str, content: bytes = b"x", *, mode: int = 0, rename: str = "") -> bytes:
    """The good archive and one more member; `rename`, of the same length, is what its name is changed to."""
    info = zipfile.ZipInfo(name)
    info.external_attr, info.compress_type = mode << 16, zipfile.ZIP_DEFLATED
    made = zipped([*PUBLISHED.items(), (info, content)])
    return made.replace(name.encode(), rename.encode()) if rename else made


def patched(offset: int, layout: str, value: int, archive: bytes = GOOD) -> bytes:
    """The archive with a field of the first member's entry in the central directory changed."""
    made = bytearray(archive)
    struct.pack_into(layout, made, archive.index(b"PK\x01\x02") + offset, value)
    return bytes(made)


def mutated(rng: random.Random) -> bytes:
    """The good archive, damaged somewhere."""
    made = bytearray(GOOD)
    for _ in range(rng.choice((1, 1, 3, 20))):
        place = rng.randrange(len(made))
        match rng.randrange(4):
            case 0:
                made[place] ^= 1 << rng.randrange(8)
            case 1:
                del made[place : place + rng.choice((1, 10, 1000))]
            case 2:
                made[place:place] = rng.randbytes(rng.choice((1, 10, 1000)))
            case _:
                made[place : place + 4] = rng.choice((b"\0" * 4, b"\xff" * 4, b"PK\x05\x06", b"PK\x03\x04"))
        if not made:
            break
    return bytes(made)


def headers_of(offset: int, layout: str, value: int) -> bytes:
    """As `patched`, with the entry before the member's bytes changed likewise (it stands two bytes earlier)."""
    made = bytearray(patched(offset, layout, value))
    struct.pack_into(layout, made, offset - 2, value)
    return bytes(made)


ARCHIVES: dict[str, Callable[[random.Random], bytes]] = {
    "good": lambda rng: GOOD,
    "encrypted": lambda rng: headers_of(8, "<H", 1),
    "strongly encrypted": lambda rng: headers_of(8, "<H", 0x41),
    "unknown method": lambda rng: headers_of(10, "<H", 99),
    "lzma": lambda rng: zipped(PUBLISHED, zipfile.ZIP_LZMA),
    "long name": lambda rng: with_member("n" * 300 + ".wav"),
    "long path": lambda rng: with_member("/".join(["folder"] * 1000) + "/a.wav"),
    "parent": lambda rng: with_member("../outside.wav"),
    "parent inside": lambda rng: with_member("a/../../outside.wav"),
    "absolute": lambda rng: with_member("/tmp/outside.wav"),
    "backslash": lambda rng: with_member("xxxoutside.wav", rename="..\\outside.wav"),
    "drive": lambda rng: with_member("C:/outside.wav"),
    "link": lambda rng: with_member("a/outside.wav", b"/etc/passwd", mode=stat.S_IFLNK | 0o777),
    "fifo": lambda rng: with_member("a/pipe.wav", mode=stat.S_IFIFO | 0o666),
    "bomb": lambda rng: with_member("a/zeros.bin", bytes(2 * 10**7)),
    "bomb that says less": lambda rng: patched(24, "<I", 100, zipped({"a/zeros.wav": bytes(10**7)} | PUBLISHED)),
    "says more": lambda rng: patched(24, "<I", 2**31),
    "twice": lambda rng: with_member("AudioData/DC/a0x.wav", rename="AudioData/DC/a01.wav"),
    "twice by case": lambda rng: with_member("audiodata/dc/A01.WAV"),
    "file and folder": lambda rng: with_member("AudioData/DC"),
    "control characters": lambda rng: with_member("a/\x1b[31m\u202e.wav"),
    "no name": lambda rng: with_member("a", rename="."),
    "other recording": lambda rng: zipped(PUBLISHED | {"AudioData/DC/a01.wav": recording(9)}),
    "none of the corpus": lambda rng: zipped({"readme.txt": b"hello"}),
    "empty": lambda rng: zipped({}),
    "no archive": lambda rng: rng.randbytes(5000),
    "half": lambda rng: GOOD[: len(GOOD) // 2],
    "wrong sum": lambda rng: patched(16, "<I", 1),
    "elsewhere": lambda rng: patched(42, "<I", len(GOOD) - 10),
    "another archive before it": lambda rng: zipped({"b.txt": b"x"}) + GOOD,
}


# Servers


def say(handler: Handler, status: int = 200, **headers: object) -> None:
    """The heading of an answer."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), str(value))
    handler.end_headers()


def whole(handler: Handler, content: bytes) -> None:
    """What a good server does, ranges included."""
    start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    if start:
        say(handler, 206, Content_Length=len(content) - start, Content_Range=f"bytes {start}-/{len(content)}")
    else:
        say(handler, Content_Length=len(content))
    handler.wfile.write(content[start:])


def breaking(handler: Handler, content: bytes) -> None:
    """Sends a third of what is asked for, then hangs up."""
    start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    length = len(content) - start
    say(handler, 206 if start else 200, Content_Length=length, Content_Range=f"bytes {start}-/{len(content)}")
    handler.wfile.write(content[start : start + length // 3 + 1])


def without_ranges(handler: Handler, content: bytes) -> None:
    """Begins at the first byte, whatever is asked for, and hangs up half way."""
    say(handler, Content_Length=len(content))
    handler.wfile.write(content[: len(content) // 2])


def wrong_range(handler: Handler, content: bytes) -> None:
    """Goes on where nobody asked it to."""
    say(handler, 206, Content_Length=10, Content_Range="bytes 5-14/15")
    handler.wfile.write(content[:10])


def endless(handler: Handler, content: bytes) -> None:
    """Never stops."""
    say(handler)
    while True:
        handler.wfile.write(bytes(2**16))


def endless_in_chunks(handler: Handler, content: bytes) -> None:
    """Never stops, and says how much comes next."""
    say(handler, Transfer_Encoding="chunked")
    while True:
        handler.wfile.write(b"10000\r\n" + bytes(2**16) + b"\r\n")


def too_large(handler: Handler, content: bytes) -> None:
    """Says that there is far too much."""
    say(handler, Content_Length=10**12)
    handler.wfile.write(content)


def drip(handler: Handler, content: bytes) -> None:
    """A byte now and then."""
    say(handler, Content_Length=len(content))
    for byte in content:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


def drip_heading(handler: Handler, content: bytes) -> None:
    """A byte of the heading now and then."""
    for byte in b"HTTP/1.1 200 OK\r\nContent-Type: " + b"x" * 1000:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


def nothing(handler: Handler, content: bytes) -> None:
    """Takes the question and says nothing."""
    time.sleep(2)


def hang_up(handler: Handler, content: bytes) -> None:
    """Ends the connection."""


def page(handler: Handler, content: bytes) -> None:
    """An error page with the status of a success."""
    say(handler, Content_Type="text/html", Content_Length=12)
    handler.wfile.write(b"<html>sorry.")


def in_circles(handler: Handler, content: bytes) -> None:
    """Sends the client back to where it is."""
    say(handler, 302, Location=handler.path)


def to_a_file(handler: Handler, content: bytes) -> None:
    """Sends the client to its own files."""
    say(handler, 302, Location="file:///etc/passwd")


def compressed(handler: Handler, content: bytes) -> None:
    """Compresses without being asked to: a bomb."""
    bomb = gzip.compress(bytes(10**7))
    say(handler, Content_Encoding="gzip", Content_Length=len(bomb))
    handler.wfile.write(bomb)


def raw(answer: bytes) -> Behaviour:
    """Bytes that are no answer."""
    return lambda handler, content: handler.wfile.write(answer)


SERVERS: dict[str, Behaviour] = {
    "breaking": breaking,
    "without ranges": without_ranges,
    "wrong range": wrong_range,
    "endless": endless,
    "endless in chunks": endless_in_chunks,
    "too large": too_large,
    "drip": drip,
    "drip of the heading": drip_heading,
    "nothing": nothing,
    "hang up": hang_up,
    "page": page,
    "not found": lambda handler, content: say(handler, 404),
    "error": lambda handler, content: say(handler, 503),
    "all of it already": lambda handler, content: say(handler, 416),
    "in circles": in_circles,
    "to a file": to_a_file,
    "compressed": compressed,
    "no HTTP": raw(b"\x1b[31mSSH-2.0\r\n"),
    "negative length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc"),
    "length of a poem": raw(b"HTTP/1.1 200 \x1b[31m\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nabc"),
    "many headings": raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n"),
    "bad chunks": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc"),
}


@contextlib.contextmanager
def serve(behaviour: Behaviour, content: bytes = GOOD) -> Iterator[str]:
    """A server on loopback; yields the address of its one file."""

    class OneFile(Handler):
        def do_GET(self) -> None:  # noqa: N802 - the library's name
            with contextlib.suppress(OSError):  # the client has left
                behaviour(self, content)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OneFile)
    threading.Thread(target=functools.partial(server.serve_forever, 0.01), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/corpus.zip"
    finally:
        server.shutdown()
        server.server_close()


# Trials


def attack(seed: int, count: int) -> Counter:
    """Try as many downloads: every third of an archive that is damaged at random, else each kind in turn.

    Args:
        seed: Start of every draw.
        count: How many.

    Returns:
        Counts of `tried`, `handled`, `silent`, `tracebacks` and `hangs`.
    """
    rng = random.Random(seed)
    kinds = [*ARCHIVES, *SERVERS]
    rng.shuffle(kinds)
    found = Counter(dict.fromkeys(("tried", "handled", "silent", "tracebacks", "hangs"), 0))
    with mock.patch.object(transfer, "LIMITS", LIMITS), contextlib.redirect_stderr(io.StringIO()):
        for number in range(count):
            kind = "mutated" if number % 3 == 0 else kinds[(2 * number // 3) % len(kinds)]
            content = mutated(rng) if kind == "mutated" else ARCHIVES.get(kind, lambda rng: GOOD)(rng)
            found["tried"] += 1
            with serve(SERVERS.get(kind, whole), content) as url:
                outcome = trial(Remote(url, None, max(len(content), len(GOOD))))
            if outcome != "handled":
                print(f"{TITLE}, seed {seed}, number {number} ({kind}): {outcome}")
            found[outcome.partition(":")[0]] += 1
    return found


def trial(remote: Remote) -> str:
    """Download and load: "handled", "silent", "hangs", or "tracebacks: " and the error."""
    outcome = "hangs"

    def run() -> None:
        nonlocal outcome
        outcome = _told(remote, Path(place) / "data" / "served")

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(HANG)
        outside = [*Path(place).rglob("*outside*"), *Path("/tmp").glob("outside.wav")]
        return "silent: something lies outside" if outside else outcome


def _told(remote: Remote, folder: Path) -> str:
    described = corpus(remote)
    try:
        download(described, folder)
        table = described.load(folder, lists=folder.parent / "lists")
    except SerError as error:
        said = str(error)
        left = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part"]
        left = [path for path in left if path.name not in {Path(name).name for name in PUBLISHED}]
        if any(not (character.isprintable() or character == "\n") for character in said):
            return "silent: control characters in the message"
        return f"silent: {left[0].name} is left" if left else "handled"
    except BaseException as error:
        return f"tracebacks: {type(error).__name__}: {error}"
    same = [Path(row.path).read_bytes() == PUBLISHED[f"AudioData/DC/{row.utterance}.wav"] for row in table.itertuples()]
    return "handled" if same == [True] * len(PUBLISHED) else "silent: other recordings are taken"

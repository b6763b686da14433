"""Downloads from a server on this machine: whole, cut short, altered, hostile, and unreachable."""

import functools
import hashlib
import http.server
import io
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from ser_keras.corpora import CORPORA
from ser_keras.corpora.base import Corpus, Remote
from ser_keras.corpora.download import download
from ser_keras.support.errors import MissingCorpusError, SerError

NAMES = ["Actor_01/03-01-01-01-01-01-01.wav", "Actor_02/03-01-03-01-01-01-02.wav"]


def archive(names, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(buffer, "w", compression) as opened:
        for name in names:
            wav = io.BytesIO()
            soundfile.write(wav, 0.1 * rng.normal(size=2000), 16_000, format="WAV")
            opened.writestr(name, wav.getvalue())
    return buffer.getvalue()


@pytest.fixture
def served(tmp_path):
    """A folder that a server on loopback offers; yields it and its address."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def corpus(served):
    """RAVDESS, with its archive on the server."""
    folder, address = served

    def make(content, checksum=None, published=None):
        (folder / "speech.zip").write_bytes(content)
        checksum = checksum or f"md5:{hashlib.md5(published or content).hexdigest()}"
        return replace(
            CORPORA["ravdess"], name="other", remote=(Remote(f"{address}/speech.zip", checksum, len(content)),)
        )

    return make


def test_download_unpacks_shows_the_licence_and_leaves_nothing_behind(corpus, tmp_path, capsys):
    download(corpus(archive(NAMES)), tmp_path / "ravdess")
    assert sorted(p.name for p in (tmp_path / "ravdess").rglob("*") if p.is_file()) == [n.split("/")[1] for n in NAMES]
    assert "CC BY-NC-SA 4.0" in capsys.readouterr().err


def test_running_again_keeps_what_is_there(corpus, tmp_path):
    described = corpus(archive(NAMES))
    download(described, tmp_path / "ravdess")
    stamp = (tmp_path / "ravdess" / NAMES[0]).stat().st_mtime_ns
    (tmp_path / "ravdess" / NAMES[1]).write_bytes(b"half")
    download(described, tmp_path / "ravdess")
    assert (tmp_path / "ravdess" / NAMES[0]).stat().st_mtime_ns == stamp
    assert (tmp_path / "ravdess" / NAMES[1]).stat().st_size > 4000


@pytest.mark.parametrize("spoil", [lambda b: b[:-100], lambda b: b[:500] + b"?" + b[501:], lambda b: b""])
def test_a_partial_or_altered_archive_is_refused_and_removed(corpus, tmp_path, spoil):
    content = archive(NAMES)
    with pytest.raises(SerError, match="checksum"):
        download(corpus(spoil(content), published=content), tmp_path / "ravdess")
    assert not [p for p in (tmp_path / "ravdess").rglob("*") if p.is_file()]


@pytest.mark.parametrize("name", ["../outside.wav", "/outside.wav", "a/../../outside.wav", "C:/outside.wav"])
def test_members_stay_inside_the_folder(corpus, tmp_path, name):
    with pytest.raises(SerError, match="outside"):
        download(corpus(archive([NAMES[0], name])), tmp_path / "ravdess")
    assert not list(tmp_path.rglob("outside.wav"))
    assert not list((tmp_path / "ravdess").rglob("*.zip"))


def test_without_a_published_sum_the_recordings_own_sums_decide(corpus, tmp_path, monkeypatch):
    described = corpus(archive(NAMES))
    described = replace(described, remote=(replace(described.remote[0], checksum=None),))
    monkeypatch.setattr(Corpus, "checksums", lambda self: {"03-01-03-01-01-01-02": "0123456789abcdef"})
    with pytest.raises(SerError, match="not the published recording"):
        download(described, tmp_path / "ravdess")
    assert not list((tmp_path / "ravdess").rglob("*.zip"))


def test_a_server_that_is_not_there_is_told_with_the_way_by_hand(corpus, tmp_path):
    described = corpus(archive(NAMES))
    gone = replace(described.remote[0], url="http://127.0.0.1:9/speech.zip")
    with pytest.raises(MissingCorpusError, match=r"cannot be reached.*zenodo"):
        download(replace(described, remote=(gone,)), tmp_path / "ravdess")


def test_emodb_names():
    from pathlib import Path

    from ser_keras.corpora import emodb

    row = emodb.parse(Path("wav/15a05Fb.wav"))
    assert (row["speaker"], row["text"], row["emotion"], row["gender"]) == ("15", "a05", "happiness", "male")
    assert emodb.parse(Path("wav/99a05Fb.wav")) is None
    assert emodb.parse(Path("wav/15a05X.wav")) is None


@pytest.mark.real_audio
def test_real_emodb_is_whole(real_data):
    found = CORPORA["emodb"].validate(real_data / "emodb")
    assert len(found.table) == 535
    assert not found.unusable
    sizes = found.table.speaker.value_counts().sort_index().tolist()
    assert sizes == [49, 58, 43, 38, 55, 35, 61, 69, 56, 71]


def test_killed_while_downloading_and_run_again_is_whole(served, tmp_path):
    """A server that sends half and waits; the client is killed; the same server, now willing, is asked again."""
    content = archive(NAMES)
    waiting = threading.Event()

    class Halting(http.server.BaseHTTPRequestHandler):
        willing = False

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            half = content if Halting.willing else content[: len(content) // 2]
            self.wfile.write(half)
            self.wfile.flush()
            waiting.set()
            if not Halting.willing:
                time.sleep(30)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Halting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = (
        "import sys; from dataclasses import replace; from pathlib import Path\n"
        "from ser_keras.corpora import CORPORA; from ser_keras.corpora.base import Remote\n"
        "from ser_keras.corpora.download import download\n"
        "url, checksum, folder = sys.argv[1:]\n"
        "download(replace(CORPORA['ravdess'], name='other', remote=(Remote(url, checksum, 10**4),)), Path(folder))"
    )
    url = f"http://127.0.0.1:{server.server_port}/speech.zip"
    checksum, folder = f"md5:{hashlib.md5(content).hexdigest()}", tmp_path / "ravdess"
    command = [sys.executable, "-c", code, url, checksum, str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    assert waiting.wait(60)
    process.kill()
    process.wait()
    assert not list(folder.rglob("*.wav"))
    Halting.willing = True
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert len(list(folder.rglob("*.wav"))) == 2
    assert not (folder / ".download").exists()
    server.shutdown()

"""Downloads from a server on this machine: whole, cut short, altered, hostile, and unreachable."""

import functools
import hashlib
import http.server
import io
import random
import signal
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from benchmarks.faults import archives as attacks
from ser_keras.corpora import CORPORA, archives, transfer
from ser_keras.corpora.base import Corpus, Remote
from ser_keras.corpora.download import download
from ser_keras.support.errors import MissingCorpusError, SerError, SourceError

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
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
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
    with pytest.raises(MissingCorpusError, match=r"cannot be reached.*by hand.*zenodo"):
        download(replace(described, remote=(gone,)), tmp_path / "ravdess")


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(transfer, "LIMITS", attacks.LIMITS)


def get(behaviour, folder, *, checksum=None, content=attacks.GOOD):
    """Download from a server that behaves so; returns the ranges that it was asked for."""
    asked = []

    def noting(handler, content):
        asked.append(handler.headers.get("Range"))
        behaviour(handler, content)

    with attacks.serve(noting, content) as url:
        try:
            download(attacks.corpus(Remote(url, checksum, len(content))), folder)
        except SerError as error:
            error.asked = asked
            raise
    return asked


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


NAMES_SERVED = sorted(name.rsplit("/", 1)[1] for name in attacks.PUBLISHED)


def test_a_lost_connection_is_taken_up_where_it_ended(impatient, tmp_path):
    asked = get(attacks.breaking, tmp_path / "served")
    assert asked[0] is None
    starts = [int(text.removeprefix("bytes=").removesuffix("-")) for text in asked[1:]]
    assert starts == sorted(starts)
    assert starts[0] == len(attacks.GOOD) // 3 + 1
    assert files(tmp_path / "served") == NAMES_SERVED


def test_the_next_command_asks_for_the_rest_only(impatient, tmp_path):
    part = tmp_path / "served" / ".download" / "corpus.zip.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(attacks.GOOD[:1000])
    assert get(attacks.whole, tmp_path / "served") == ["bytes=1000-"]
    assert files(tmp_path / "served") == NAMES_SERVED


@pytest.mark.parametrize("first", [b"of another file", attacks.GOOD + b"longer"])
def test_a_part_of_another_file_is_found_by_the_sum_and_fetched_anew(impatient, tmp_path, first):
    part = tmp_path / "served" / ".download" / "corpus.zip.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(first)
    asked = get(attacks.whole, tmp_path / "served", checksum=f"md5:{hashlib.md5(attacks.GOOD).hexdigest()}")
    assert asked == [f"bytes={len(first)}-", None]
    assert files(tmp_path / "served") == NAMES_SERVED


def test_a_server_without_ranges_begins_again(impatient, tmp_path):
    part = tmp_path / "served" / ".download" / "corpus.zip.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * (len(attacks.GOOD) + 1000))

    def first_byte_on(handler, content):
        attacks.say(handler, Content_Length=len(content))
        handler.wfile.write(content)

    asked = get(first_byte_on, tmp_path / "served", checksum=f"md5:{hashlib.md5(attacks.GOOD).hexdigest()}")
    assert len(asked) == 1
    assert files(tmp_path / "served") == NAMES_SERVED


@pytest.mark.parametrize("behaviour", [attacks.drip, attacks.drip_heading, attacks.nothing])
def test_a_server_that_drips_or_says_nothing_is_left(impatient, tmp_path, behaviour):
    start = time.monotonic()
    with pytest.raises(MissingCorpusError, match=r"is too slow \(.* in 0\.3 seconds\)"):
        get(behaviour, tmp_path / "served")
    assert time.monotonic() - start < 5
    assert set(files(tmp_path / "served")) <= {"corpus.zip.part"}


def test_all_of_it_has_a_limit_of_time(monkeypatch, tmp_path):
    monkeypatch.setattr(transfer, "LIMITS", replace(attacks.LIMITS, seconds=0.2, rate=0))
    with pytest.raises(MissingCorpusError, match=r"takes longer than 0\.2 seconds"):
        get(attacks.drip, tmp_path / "served")


@pytest.mark.parametrize("behaviour", [attacks.endless, attacks.endless_in_chunks, attacks.too_large])
def test_more_than_was_published_is_not_taken(impatient, tmp_path, behaviour):
    with pytest.raises(SourceError, match=r"is not the published file: it sends (more|1,000,000\.0 MB) in place of"):
        get(behaviour, tmp_path / "served")
    assert not (tmp_path / "served").exists()


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (attacks.hang_up, "cannot be reached"),
        (attacks.in_circles, "TooManyRedirects"),
        (attacks.to_a_file, "InvalidSchema"),
        (attacks.SERVERS["not found"], "answers 404"),
        (attacks.SERVERS["bad chunks"], "breaks off"),
        (attacks.SERVERS["without ranges"], "breaks off"),
    ],
)
def test_a_server_that_does_not_have_it_is_told(impatient, tmp_path, behaviour, words):
    with pytest.raises(MissingCorpusError, match=words) as caught:
        get(behaviour, tmp_path / "served")
    assert "by hand: It is served on loopback." in str(caught.value)
    assert len(caught.value.asked) < 40


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("encrypted", "is encrypted"),
        ("strongly encrypted", "is encrypted"),
        ("unknown method", r"another method \(99\)"),
        ("long name", 'the name "n+\\.\\.\\." is too long'),
        ("long path", "is too long"),
        ("absolute", "outside its folder"),
        ("backslash", "outside its folder"),
        ("link", "a link or a device"),
        ("fifo", "a link or a device"),
        ("bomb", "far larger than any corpus"),
        ("says more", "far larger than any corpus"),
        ("bomb that says less", "is damaged"),
        ("twice", "two of its members have one name"),
        ("twice by case", "two of its members have one name"),
        ("file and folder", "two of its members have one name"),
        ("control characters", r'"a/\?\[31m\?\.wav" is no name'),
        ("other recording", "is not the published recording"),
        ("none of the corpus", "none of the corpus's recordings"),
        ("empty", "none of the corpus's recordings"),
        ("half", "is damaged"),
    ],
)
def test_a_hostile_archive_is_refused_before_anything_of_it_stands(impatient, tmp_path, kind, words):
    content = attacks.ARCHIVES[kind](random.Random(0))
    with pytest.raises(SourceError, match=words):
        get(attacks.whole, tmp_path / "served", content=content)
    assert not (tmp_path / "served").exists()
    assert not list(tmp_path.rglob("*outside*"))


def test_what_stood_there_before_stays_when_an_archive_fails(impatient, tmp_path):
    mine = tmp_path / "served" / "AudioData" / "DC" / "a01.wav"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    content = attacks.ARCHIVES["wrong sum"](random.Random(0))
    with pytest.raises(SourceError):
        get(attacks.whole, tmp_path / "served", content=content)
    assert mine.read_bytes() == b"mine"
    assert files(tmp_path / "served") == ["a01.wav"]


def test_labels_that_bear_a_recordings_name_are_no_recordings(impatient, tmp_path):
    content = attacks.zipped(attacks.PUBLISHED | {"lablaut/a01.lablaut": b"a label"})
    get(attacks.whole, tmp_path / "served", content=content)
    assert "a01.lablaut" in files(tmp_path / "served")


OTHER_EDITION = attacks.zipped(
    {"v2/wav/a01.wav": attacks.PUBLISHED["AudioData/DC/a01.wav"], "v2/wav/a02.wav": attacks.recording(8)}
    | {"v2/wav/a99.wav": attacks.recording(9), "v2/readme.txt": b"more"}
)


def from_two(first, content, folder):
    with attacks.serve(first) as one, attacks.serve(attacks.whole, content) as two:
        remote = Remote(one, None, 10**5, second=Remote(two, None, 10**5, only_known=True))
        download(attacks.corpus(remote), folder)


@pytest.mark.parametrize("first", ["not found", "drip", "page", "endless"])
def test_a_second_source_is_asked_when_the_first_fails_and_gives_published_files_only(
    impatient, tmp_path, capsys, first
):
    from_two(attacks.SERVERS[first], OTHER_EDITION, tmp_path / "served")
    assert files(tmp_path / "served") == ["a01.wav"]
    told = capsys.readouterr().err
    assert "Another source is tried" in told
    assert "1 recordings there are other files than the published ones" in told


def test_the_second_source_is_left_alone_when_the_first_has_it(impatient, tmp_path):
    from_two(attacks.whole, OTHER_EDITION, tmp_path / "served")
    assert files(tmp_path / "served") == NAMES_SERVED


def test_both_sources_are_named_when_both_fail(impatient, tmp_path):
    content = attacks.zipped({"v2/wav/a01.wav": attacks.recording(8)})
    with pytest.raises(MissingCorpusError, match=r"answers 404.*none of the corpus's recordings.*by hand"):
        from_two(attacks.SERVERS["not found"], content, tmp_path / "served")
    assert not (tmp_path / "served").exists()


def test_a_full_disk_is_no_reason_to_ask_another_source(impatient, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(SerError, match="0 MB left, and 0 MB are needed") as caught:
        from_two(attacks.whole, OTHER_EDITION, tmp_path / "served")
    assert not isinstance(caught.value, SourceError)
    assert "Another source" not in capsys.readouterr().err


def test_emodb_has_a_second_source():
    (remote,) = CORPORA["emodb"].remote
    assert remote.second.url == "https://zenodo.org/records/17651657/files/emodb_2.0.zip"
    assert remote.second.only_known


def test_of_two_downloads_at_once_the_second_waits_for_the_first(impatient, tmp_path, capsys):
    asked = []
    entered, go_on = threading.Event(), threading.Event()

    def slow(handler, content):
        asked.append(handler.path)
        entered.set()
        assert go_on.wait(10)
        attacks.whole(handler, content)

    with attacks.serve(slow) as url, ThreadPoolExecutor(2) as pool:
        described = attacks.corpus(Remote(url, None, 10**5))
        first = pool.submit(download, described, tmp_path / "served")
        assert entered.wait(10)
        second = pool.submit(download, described, tmp_path / "served")
        while "waiting for it" not in capsys.readouterr().err:
            time.sleep(0.01)
        go_on.set()
        first.result(10)
        second.result(10)
    assert len(asked) == 1
    assert files(tmp_path / "served") == NAMES_SERVED


def test_ctrl_c_while_downloading_is_one_sentence(tmp_path):
    asked = threading.Event()

    def waiting(handler, content):
        attacks.say(handler, Content_Length=len(content))
        handler.wfile.write(content[:1000])
        asked.set()
        time.sleep(20)

    code = (
        "import sys; from dataclasses import replace; from ser_keras import corpora\n"
        "from ser_keras.commands.verbs import main; from ser_keras.corpora.base import Remote\n"
        "remote = Remote(sys.argv.pop(), None, 10**5)\n"
        "corpora.CORPORA['ravdess'] = replace(corpora.CORPORA['ravdess'], remote=(remote,))\n"
        "main(['corpora', *sys.argv[1:]])"
    )
    with attacks.serve(waiting) as url:
        command = [sys.executable, "-c", code, "--data", str(tmp_path), "--get", "ravdess", url]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert asked.wait(30)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert "the same command goes on" in told
    assert set(files(tmp_path)) <= {"corpus.zip.part", ".ravdess.lock"}


def test_a_quick_attack_finds_nothing_unhandled():
    found = attacks.attack(seed=7, count=attacks.QUICK)
    assert found == {"tried": 15, "handled": 15, "silent": 0, "tracebacks": 0, "hangs": 0}


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

"""Containers of audio: whole files are read, what their headers let one know of damage is told."""

import importlib.util
import os
import struct
import sys
import time

import numpy as np
import pytest
import soundfile
from conftest import RATE, ROOT

from ser_keras.features import audio, containers
from ser_keras.support.errors import BadAudioError

# Container, codec, suffix.
WHOLE = [
    *[("WAV", codec, "wav") for codec in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW")],
    *[("WAV", codec, "wav") for codec in ("MS_ADPCM", "IMA_ADPCM")],
    *[("WAVEX", codec, "wav") for codec in ("PCM_U8", "PCM_16", "FLOAT")],
    *[("RF64", codec, "wav") for codec in ("PCM_16", "FLOAT", "ALAW")],
    *[("W64", codec, "w64") for codec in ("PCM_16", "PCM_24", "ULAW", "MS_ADPCM")],
    *[("AIFF", codec, "aiff") for codec in ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE", "ALAW")],
    *[("AU", codec, "au") for codec in ("PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW")],
    *[("CAF", codec, "caf") for codec in ("PCM_16", "FLOAT", "ALAW", "ALAC_16")],
    *[("VOC", codec, "voc") for codec in ("PCM_16", "PCM_U8", "ALAW")],
    *[("NIST", codec, "nist") for codec in ("PCM_16", "ULAW")],
    *[("FLAC", codec, "flac") for codec in ("PCM_S8", "PCM_16", "PCM_24")],
    *[("OGG", codec, "ogg") for codec in ("VORBIS", "OPUS")],
    ("MP3", "MPEG_LAYER_III", "mp3"),
]
SUMMED = [("FLAC", "PCM_16", "flac"), ("OGG", "VORBIS", "ogg"), ("OGG", "OPUS", "ogg")]


@pytest.fixture
def made(tmp_path, speech):
    """Write the speech in a container: `made("WAV", "PCM_16", "wav")` returns its path."""

    def write(container, codec, suffix, **options):
        path = tmp_path / f"a.{suffix}"
        soundfile.write(path, speech, RATE, format=container, subtype=codec, **options)
        return path

    return write


def refused(path, *words):
    """Loading and checking it give a sentence with these words; the path stands first, and nothing else is said."""
    with pytest.raises(BadAudioError) as caught:
        audio.load(path, sample_rate=RATE)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert all(word in message for word in words), message


def patched(path, place, form, *values):
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, place, *values)
    path.write_bytes(content)


@pytest.mark.parametrize(("container", "codec", "suffix"), WHOLE)
def test_whole_files_are_read_and_halves_refused(made, speech, capfd, container, codec, suffix):
    path = made(container, codec, suffix)
    y = audio.load(path, sample_rate=RATE)
    audio.check(path)
    assert 0 <= len(y) - len(speech) < 1200 or (container, codec) == ("VOC", "PCM_U8")  # its rates come in steps
    assert np.corrcoef(y[: len(speech)], speech[: len(y)])[0, 1] > 0.9 or len(y) < len(speech)
    content = path.read_bytes()
    for share in (0.5, 0.9):
        path.write_bytes(content[: int(share * len(content))])
        refused(path)
        if container != "FLAC":  # whose end shows only when it is decoded
            with pytest.raises(BadAudioError, match="truncated"):
                audio.check(path)
    assert capfd.readouterr() == ("", "")


def test_a_part_of_a_compressed_recording_is_that_of_the_whole(made):
    for kind in [("FLAC", "PCM_16", "flac"), ("MP3", "MPEG_LAYER_III", "mp3"), ("OGG", "VORBIS", "ogg")]:
        path = made(*kind)
        whole = audio.load(path, sample_rate=RATE)
        part = audio.load(path, sample_rate=RATE, offset=0.5, duration=0.75)
        np.testing.assert_array_equal(part, whole[8_000:20_000])
        path.write_bytes(path.read_bytes()[:-200])  # behind what is asked for
        with pytest.raises(BadAudioError):
            audio.load(path, sample_rate=RATE, offset=0.5, duration=0.75)


@pytest.mark.parametrize("size", [80_000, 20_000, 63_996, 0, 0xFFFFFFFF, 0x7FFFF000])
def test_a_size_of_the_sound_that_lies_is_told_though_the_files_own_is_right(made, size):
    path = made("WAV", "PCM_16", "wav")
    assert path.stat().st_size == 64_044
    patched(path, 40, "<I", size)
    refused(path)


def test_a_stream_that_states_no_size_is_read(made, speech):
    for size in (0, 0xFFFFFFFF):
        path = made("WAV", "PCM_16", "wav")
        patched(path, 4, "<I", size)
        patched(path, 40, "<I", 0xFFFFFFFF)
        assert len(audio.load(path, sample_rate=RATE)) == len(speech)


def test_tags_and_room_behind_a_recording_are_no_damage(made, speech):
    path = made("WAV", "PCM_16", "wav")
    content = path.read_bytes()
    for behind in (b"TAG" + bytes(125), b"ID3\x04" + bytes(50), bytes(4096), b"LIST\x04\x00\x00\x00INFO"):
        path.write_bytes(content + behind)
        assert len(audio.load(path, sample_rate=RATE)) == len(speech)
    path.write_bytes(content + speech.tobytes())
    refused(path, "no part of its sound")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_chunk_of_odd_size_may_lack_its_last_byte(made, tmp_path, channels):
    path = made("WAV", "PCM_U8", "wav")
    content = path.read_bytes()[:40] + struct.pack("<I", 31_999) + path.read_bytes()[44 : 44 + 31_999]
    path.write_bytes(content + b"LIST\x04\x00\x00\x00INFO")
    patched(path, 4, "<I", path.stat().st_size - 8)
    assert len(audio.load(path, sample_rate=RATE)) == 31_999


@pytest.mark.parametrize(
    ("place", "form", "value", "word"),
    [
        (24, "<I", 1, "bytes a second"),
        (24, "<I", 16_001, "bytes a second"),
        (22, "<H", 3, "3 channels of 16 bits"),
        (32, "<H", 0, "0 bytes"),
        (34, "<H", 24, "24 bits are not 2 bytes"),
        (20, "<H", 3, "do not go with its codec"),
        (20, "<H", 0x31, "GSM 6.10"),
        (20, "<H", 0x161, "Windows Media Audio"),
        (20, "<H", 0x1234, "0x1234"),
        (8, "<4s", b"AVI ", "'AVI '"),
        (12, "<4s", b"fmtx", "'fmt' is missing"),
        (36, "<4s", b"\0xyz", "no part of its sound"),
    ],
)
def test_numbers_that_contradict_each_other_are_told(made, place, form, value, word):
    path = made("WAV", "PCM_16", "wav")
    patched(path, place, form, value)
    refused(path, word)


@pytest.mark.parametrize(
    ("rate", "channels", "bits", "words"),
    [
        (1, 1, 16, ("sample rate of 1 Hz", "4,000 to 384,000")),
        (2, 1, 16, ("sample rate of 2 Hz",)),
        (3_999, 1, 16, ("3,999 Hz",)),
        (400_000, 1, 16, ("400,000 Hz",)),
        (16_000, 33, 16, ("33 channels", "32")),
        (16_000, 0, 16, ("0 bytes",)),
    ],
)
def test_what_no_speech_is_is_refused_at_once(tmp_path, rate, channels, bits, words):
    path = tmp_path / "a.wav"
    width = channels * bits // 8
    about = struct.pack("<HHIIHH", 1, channels, rate, rate * width, width, bits)
    sound = bytes(range(1, 251)) * 66 * max(1, width)
    body = b"WAVEfmt " + struct.pack("<I", 16) + about + b"data" + struct.pack("<I", len(sound)) + sound
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    start = time.monotonic()
    refused(path, *words)
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("seconds", "rate", "channels", "words"), [(3601, 8000, 1, ("3,601 s", "hour")), (1000, 96_000, 4, ("1.5 GB",))]
)
def test_longer_than_an_hour_or_larger_than_a_gigabyte_is_refused(tmp_path, seconds, rate, channels, words):
    path = tmp_path / "a.wav"
    size = seconds * rate * channels
    about = struct.pack("<HHIIHH", 1, channels, rate, rate * channels, channels, 8)
    body = b"WAVEfmt " + struct.pack("<I", 16) + about + b"data" + struct.pack("<I", size)
    with path.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", len(body) + size) + body)
        file.truncate(44 + size)  # takes no room on the disk
    refused(path, *words)


@pytest.mark.parametrize(
    ("container", "codec", "suffix", "name"),
    [
        ("WAV", "GSM610", "wav", "GSM 6.10"),
        ("WAV", "G721_32", "wav", "G.721"),
        ("WAV", "NMS_ADPCM_16", "wav", "NMS ADPCM"),
        ("W64", "GSM610", "w64", "GSM 6.10"),
        ("AIFF", "GSM610", "aiff", "GSM"),
        ("AU", "G721_32", "au", "G.721"),
        ("AU", "G723_24", "au", "G.723"),
    ],
)
def test_codecs_that_cannot_be_read_are_named(made, container, codec, suffix, name):
    refused(made(container, codec, suffix), name, "convert it to WAV")


@pytest.mark.parametrize(("container", "codec", "suffix"), SUMMED)
def test_a_wrong_bit_is_told_where_the_container_has_sums(made, capfd, container, codec, suffix):
    path = made(container, codec, suffix)
    content = bytearray(path.read_bytes())
    for place in np.random.default_rng(1).integers(600, len(content), 20):
        content[place] ^= 4
        path.write_bytes(content)
        refused(path)
        content[place] ^= 4
    assert capfd.readouterr() == ("", "")


def frames_of(content):
    """Where the frames of an MP3 begin."""
    places, place = [], 0
    while frame := containers.mp3._frame(content, place):
        places.append(place)
        place += frame.length
    return places


def test_an_mp3_that_ends_between_two_frames_is_truncated(made):
    path = made("MP3", "MPEG_LAYER_III", "mp3")
    content = path.read_bytes()
    path.write_bytes(content[: frames_of(content)[-10]])
    refused(path, "truncated", "frames")


def test_a_hole_in_an_mp3_is_told_and_its_decoder_says_nothing(made, capfd):
    path = made("MP3", "MPEG_LAYER_III", "mp3")
    content = path.read_bytes()
    places = frames_of(content)
    path.write_bytes(content[: places[20] + 100] + content[places[30] :])
    refused(path, "no MP3 frame begins")
    flipped = bytearray(content)
    for place in places[5:]:
        flipped[place + 30] ^= 0xFF
    path.write_bytes(flipped)
    audio.load(path, sample_rate=RATE)  # no container lets one know; the decoder complains, to nobody
    assert capfd.readouterr() == ("", "")


def test_an_mp3_without_a_count_is_read_whole_or_not_at_all(made, speech):
    path = made("MP3", "MPEG_LAYER_III", "mp3", bitrate_mode="CONSTANT", compression_level=0.5)
    content = path.read_bytes()
    path.write_bytes(content[frames_of(content)[1] :])
    assert len(audio.load(path, sample_rate=RATE)) >= len(speech)
    path = made("MP3", "MPEG_LAYER_III", "mp3", bitrate_mode="VARIABLE")
    content = path.read_bytes()
    path.write_bytes(content[frames_of(content)[1] :])
    refused(path, "does not state how long it is")


def test_an_ogg_page_with_another_length_is_not_what_was_written(made):
    path = made("OGG", "VORBIS", "ogg")
    patched(path, path.read_bytes().rindex(b"OggS") + 6, "<q", 20_000)
    refused(path, "not what was written")


def test_two_streams_in_one_ogg_file_are_told(made):
    path = made("OGG", "VORBIS", "ogg")
    path.write_bytes(path.read_bytes() * 2)
    refused(path, "several streams")


def test_a_flac_file_is_compared_with_itself(made):
    path = made("FLAC", "PCM_16", "flac")
    patched(path, 18, ">B", path.read_bytes()[18] ^ 1)
    refused(path, "in its first frame")
    path = made("FLAC", "PCM_16", "flac")
    patched(path, 22, ">I", 20_000)
    refused(path, "not those that were written")
    path = made("FLAC", "PCM_16", "flac")
    patched(path, 22, ">I", 0)
    refused(path, "does not state how long it is")


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    for name in ("pipe.wav", "folder.wav"):
        refused(tmp_path / name, "it is no file")


@pytest.mark.parametrize("name", ["a\nb\x1b[31m.wav", "a\udcff.wav", "a\u202eb.wav"])
def test_names_are_printed_without_what_a_terminal_obeys(tmp_path, name):
    (tmp_path / name).write_bytes(b"no sound")
    for call in (lambda p: audio.load(p, sample_rate=RATE), audio.check):
        with pytest.raises(BadAudioError) as caught:
            call(tmp_path / name)
        assert str(caught.value).isprintable()
        str(caught.value).encode()


def test_a_zero_byte_in_a_name_is_told():
    with pytest.raises(BadAudioError, match=r"^a\?b: cannot be read"):
        audio.load("a\0b", sample_rate=RATE)


def test_too_little_memory_is_one_recordings_fault(made, monkeypatch):
    def empty(*arguments):
        raise MemoryError

    path = made("WAV", "PCM_16", "wav")
    monkeypatch.setattr(audio.np, "empty", empty)
    refused(path, "too large for the memory")


def test_nothing_is_silent_in_mutated_recordings():
    """The quick part of benchmarks/faults; more, and other seeds, on demand."""
    spec = importlib.util.spec_from_file_location("faults_audio", ROOT / "benchmarks" / "faults" / "audio.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    counts = module.attack(seed=20, count=module.QUICK)
    assert counts["tried"] == module.QUICK == counts["refused"] + counts["loaded"]
    assert counts["refused"] > 20
    for word in ("silent", "tracebacks", "hangs", "lines on standard error"):
        assert counts[word] == 0, counts
    assert counts["peak MB"] < 2000

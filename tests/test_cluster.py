"""Runs on a cluster, with real processes: the same numbers, whoever is killed; and a sentence for what cannot be."""

import argparse
import errno
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from ser_keras.commands import flags
from ser_keras.runs import cluster as clusters
from ser_keras.runs import local_workers, remote, trainer
from ser_keras.runs.cluster import connected
from ser_keras.runs.folder import damage
from ser_keras.support.errors import SerError
from ser_keras.support.interruption import SENTENCE
from ser_keras.training.backend import thread_settings

distributed = pytest.importorskip("distributed")

TOML = """
[paper]
key = "tiny"
short = "Tiny"
title = "One layer"
authors = ["A. Example"]
year = 2026
venue = "Nowhere"
corpora = ["ravdess"]
summary = "One layer."
finding = "None."

[[reported]]
table = "Table 1"
row = "RAVDESS"
column = "Accuracy"
corpus = "ravdess"
variant = "main"
metric = "accuracy"
value = 50.0
headline = true
"""
SCRIPT = '''
"""One dense layer; how long an epoch takes is said by $SLOW, and $MARK is a folder that is told who trains."""
import os
import time
from pathlib import Path

from ser_keras import Experiment, Extraction, Recipe, reproduce
from ser_keras.protocols import GroupKFold, RandomSplit


def extract(y):
    return y[:600]


def build(shape, n_classes):
    import keras

    model = keras.Sequential([keras.Input(shape), keras.layers.Dropout(0.5), keras.layers.Dense(n_classes, "softmax")])
    model.compile("adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def slowly(epoch, logs):
    if mark := os.environ.get("MARK"):
        Path(mark, f"{os.getppid()}-{os.getpid()}-{time.monotonic()}").touch()
    time.sleep(float(os.environ.get("SLOW", "0")))


def callbacks():
    import keras

    return [keras.callbacks.LambdaCallback(on_epoch_end=slowly)]


EXPERIMENT = Experiment(
    folder=Path(__file__).parent,
    corpora=("ravdess",),
    variants={
        "main": Recipe(
            extraction=Extraction(extract=extract, sample_rate=16_000),
            build=build, epochs=4, batch_size=32, callbacks=callbacks,
        )
    },
    protocols={
        "paper": RandomSplit(note="", test=0.2),
        "speaker_independent": GroupKFold(note="", folds=5),
    },
)

if __name__ == "__main__":
    reproduce(EXPERIMENT, __doc__)
'''  # fmt: skip
SEEDS = 4
PATIENCE = 180  # seconds; the machine may be busy


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work") / "reproductions" / "tiny"
    folder.mkdir(parents=True)
    (folder / "run.py").write_text(SCRIPT)
    (folder / "paper.toml").write_text(TOML)
    return folder


def environment(paper, **more):
    """Of a client: its own cache, this checkout's suite, signals that do what they do at a terminal."""
    home = paper.parents[1]
    kept = {k: v for k, v in os.environ.items() if k not in ("SER_KERAS_DATA", "MARK", "SLOW")}
    return (
        kept | {"XDG_CACHE_HOME": str(home / "cache"), "PYTHONPATH": str(ROOT)} | {k: str(v) for k, v in more.items()}
    )


def default_signals():
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def started(paper, out, *flags, **more):
    """The paper's command as a process; whatever becomes of the test, it ends."""
    process = subprocess.Popen(
        [sys.executable, paper / "run.py", "--demo", "--protocol", "paper", "--out", out, *map(str, flags)],
        cwd=paper.parents[1],
        env=environment(paper, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=default_signals,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def made(paper, out, *flags, **more):
    """Run to the end: code, standard error."""
    with started(paper, out, *flags, **more) as process:
        _, error = process.communicate(timeout=PATIENCE)
        return process.returncode, error


def numbers(out):
    """The bytes of every file that a number rests on, and of the tables made of them."""
    names = ("predictions.csv", "history.csv", "results.csv", "confusion.csv")
    return {str(p.relative_to(out)): p.read_bytes() for name in names for p in sorted(out.rglob(name))}


def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def trainers(mark):
    """Process ids of each worker that has finished an epoch, and of the process that trains for it."""
    return {tuple(map(int, path.name.split("-")[:2])) for path in mark.iterdir()}


def all_gone(mark):
    return all(gone(pid) for pair in trainers(mark) for pid in pair)


@pytest.fixture(scope="module")
def reference(paper):
    """A run without a cluster, with the threads that a worker of a cluster of three has."""
    out = paper.parents[1] / "reference"
    code, error = made(paper, out, "--seeds", SEEDS, **thread_settings(1))
    assert code == 0, error
    return numbers(out)


@pytest.fixture
def mark(tmp_path):
    folder = tmp_path / "mark"
    folder.mkdir()
    return folder


# Without workers


@pytest.mark.parametrize("text", ["local", "local:0", "local:-1", "local:two", "here", "http//a", ""])
def test_what_is_no_address_is_refused_with_the_flags(text):
    with pytest.raises(argparse.ArgumentTypeError, match="local:2"):
        flags._cluster(text)
    with pytest.raises(SerError, match="local:2"), connected(text):
        pass


def test_workers_that_end_at_once_are_told_of(monkeypatch):
    monkeypatch.setattr(local_workers.backend, "thread_settings", lambda number: {"PYTHONHOME": "/nowhere"})
    with pytest.raises(SerError, match="end as soon as they are started"), local_workers.LocalWorkers(1) as local:
        until(lambda: local.mend(), 20)


def test_without_dask_a_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SerError, match=r"pip install 'ser-keras\[cluster\]'"), connected("local:2"):
        pass


@pytest.mark.parametrize("server", ["nobody", "silent", "other"])
def test_an_address_that_does_not_answer_is_told_quickly(server, monkeypatch):
    monkeypatch.setattr(clusters, "ANSWER", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        if server == "nobody":
            listening.close()
        if server == "other":
            import threading

            def answer():
                connection, _ = listening.accept()
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" + b"x" * 4096)
                connection.close()

            threading.Thread(target=answer, daemon=True).start()
        start = time.monotonic()
        said = f"No Dask scheduler answers at tcp://127.0.0.1:{port}"
        with pytest.raises(SerError, match=said) as caught, connected(f"tcp://127.0.0.1:{port}"):
            pass
    assert time.monotonic() - start < 10
    assert "\n" not in str(caught.value)


def test_the_suite_without_a_cluster_does_not_load_dask():
    code = "import ser_keras.commands.paper, ser_keras.runs.cluster, sys; print({'dask', 'distributed'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_recordings_that_are_sent_give_the_same_features_and_messages(wav, speech):
    from ser_keras.features.extraction import ORIGINAL, Extraction, features_of

    good, silent = wav(speech, name="good.wav"), wav(0 * speech, name="silent.wav")
    extraction = Extraction(extract=lambda y: y[:100], sample_rate=8_000)
    shard = [("a", str(good), ""), ("b", str(silent), ""), ("c", str(good.parent / "absent.wav"), "")]
    import cloudpickle

    how = cloudpickle.dumps((extraction, (ORIGINAL,)))
    sent = [(name, path, clusters._content(path)) for name, path, _ in shard]
    here, there = features_of(extraction, (ORIGINAL,), shard), remote.extract("", how, sent)
    assert here.bad == there.bad
    assert len(here.bad) == 2
    np.testing.assert_array_equal(here.values, there.values)
    np.testing.assert_array_equal(here.lengths, there.lengths)

    def broken(y):
        raise ZeroDivisionError

    how = cloudpickle.dumps((Extraction(extract=broken, sample_rate=8_000), (ORIGINAL,)))
    with pytest.raises(SerError, match=f"^{good}: feature extraction failed: ZeroDivisionError"):
        remote.extract("", how, sent)


def test_versions_that_differ_are_named_on_both_sides():
    class Worker:
        class state:  # noqa: N801
            nthreads = 3

    here = remote.versions("tensorflow")
    assert remote.greet(here, "tensorflow", Worker) == 3
    said = remote.greet(here | {"keras": "3.0.0", "ser-keras": "0.1"}, "tensorflow", Worker)
    assert f"keras {here['keras']} in place of 3.0.0" in said
    assert f"ser-keras {here['ser-keras']} in place of 0.1" in said


def test_a_trainer_that_dies_is_told(monkeypatch):
    monkeypatch.setattr(trainer, "LOOK", 0.05)
    one = trainer.Trainer(1, "tensorflow")
    one._process.kill()
    with pytest.raises(trainer.TrainerDiedError):
        one.train(b"", "x", np.zeros(10**6), told=print, wanted=lambda: True)
    other = trainer.Trainer(1, "tensorflow")
    with pytest.raises(trainer.UnwantedError):
        other.train(pickle.dumps(None), "x", np.zeros(3), told=print, wanted=lambda: False)
    assert not other.alive()


# With workers of this machine


@pytest.mark.slow
def test_three_workers_give_what_one_process_gives(paper, reference, tmp_path):
    code, error = made(paper, tmp_path / "out", "--seeds", SEEDS, "--cluster", "local:3", "--cache", tmp_path / "cache")
    assert code == 0, error
    assert "Computing on tensorflow (3 workers of local:3, 1 thread each)" in error
    assert "extracting features (recordings): 180 of 180" in error  # by the workers: the cache was empty
    assert f"{SEEDS} of {SEEDS} runs done" in error
    assert numbers(tmp_path / "out") == reference
    record = json.loads(next((tmp_path / "out").rglob("cell.json")).read_text())
    assert record["measured"]["threads"] == 1
    assert len(list((tmp_path / "out").rglob("model.keras"))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "trainer"])
def test_a_worker_killed_in_the_middle_of_a_run_changes_nothing(paper, reference, tmp_path, mark, victim):
    with started(paper, tmp_path / "out", "--seeds", SEEDS, "--cluster", "local:3", SLOW=1, MARK=mark) as process:
        until(lambda: trainers(mark))
        worker, child = trainers(mark).pop()
        os.kill(worker if victim == "worker" else child, signal.SIGKILL)
        _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, error
    assert "Traceback" not in error
    assert numbers(tmp_path / "out") == reference
    if victim == "worker":
        assert gone(child)


@pytest.mark.slow
def test_the_client_killed_keeps_what_was_finished_and_leaves_nobody_behind(paper, reference, tmp_path, mark):
    out = tmp_path / "out"
    with started(paper, out, "--seeds", SEEDS, "--cluster", "local:2", SLOW=0.5, MARK=mark) as process:
        until(lambda: len(list(out.rglob("cell.json"))) >= 1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    finished = {path: path.read_bytes() for path in out.rglob("cell.json")}
    assert len(finished) < SEEDS
    until(lambda: all_gone(mark), 30)
    code, error = made(paper, out, "--seeds", SEEDS, "--cluster", "local:2")
    assert code == 0, error
    assert f"{len(finished)} of them finished before" in error
    assert {path: path.read_bytes() for path in finished} == finished
    assert numbers(out) == reference


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_client_with_a_sentence_and_its_workers(paper, tmp_path, mark, number, code):
    out = tmp_path / "out"
    with started(paper, out, "--seeds", 20, "--cluster", "local:2", SLOW=0.3, MARK=mark) as process:
        until(lambda: list(out.rglob("cell.json")))
        process.send_signal(number)
        _, error = process.communicate(timeout=30)
    assert process.returncode == code
    assert error.endswith(f"\n{SENTENCE}\n")
    assert "Traceback" not in error
    assert all(damage(path.parent) == "" for path in out.rglob("cell.json"))
    until(lambda: all_gone(mark), 5)


FULL = f"""
import os

def full(fd, really=os.fsync):
    if "/seed1/" in os.readlink(f"/proc/self/fd/{{fd}}"):
        raise OSError({errno.ENOSPC}, "No space left on device")
    really(fd)

os.fsync = full
"""


@pytest.mark.slow
def test_a_full_disk_at_the_client_is_a_sentence(paper, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(FULL)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    code, error = made(paper, tmp_path / "out", "--seeds", 2, "--cluster", "local:1", PYTHONPATH=path)
    assert code == 1
    assert error.splitlines()[-1].endswith("the disk is full. Free some space and run the same command again: "
                                           "finished work is kept.")  # fmt: skip
    assert "Traceback" not in error
    assert len(list((tmp_path / "out").rglob("cell.json"))) == 1


@pytest.mark.slow
def test_from_python_and_from_the_command_for_all_papers(paper, reference, tmp_path):
    code = f"""
        import ser_keras as ser
        code = ser.paper({str(paper)!r})
        out = ser.run(code, corpus="demo", protocol="paper", seeds={SEEDS}, out={str(tmp_path / "a")!r}, cluster="local:2")
        assert not out.undone
        print(len(out.numbers.results.cells))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=environment(paper, **thread_settings(1)),
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.stdout == f"{SEEDS}\n", done.stderr
    assert all(reference[name] == content for name, content in numbers(tmp_path / "a").items())
    done = subprocess.run(
        [sys.executable, "-m", "ser_keras", "reproduce", "tiny", "--demo", "--seed", "0", "--out", tmp_path / "b",
         "--cluster", "local:2"],
        cwd=paper.parents[1], env=environment(paper, **thread_settings(1)),
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "b").rglob("cell.json"))) == 2


# With a scheduler and workers that others started


@pytest.fixture
def scheduler(tmp_path):
    """Starts a scheduler and workers as a user does; `start(name, **environment)` adds one."""
    processes = []

    def start(name, *arguments, **more):
        home = tmp_path / name
        home.mkdir()
        kept = {k: v for k, v in os.environ.items() if k != "SER_KERAS_DATA"}
        settings = {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(home), "XDG_DATA_HOME": str(home)}
        command = "dask_scheduler" if name == "scheduler" else "dask_worker"
        processes.append(
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    f"distributed.cli.{command}",
                    "--scheduler-file",
                    tmp_path / "s.json",
                    *arguments,
                ],
                cwd=home,
                env=kept | settings | {k: str(v) for k, v in more.items()},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        return processes[-1]

    def address():
        return json.loads((tmp_path / "s.json").read_text())["address"]

    start.address = address
    start.process = start("scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard")
    until(lambda: (tmp_path / "s.json").exists() and address())
    yield start
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.mark.slow
def test_workers_need_no_corpus_and_a_scheduler_that_goes_takes_nothing_with_it(
    paper, reference, scheduler, tmp_path, mark
):
    for name in ("one", "two"):
        scheduler(name, "--nthreads", "1", "--memory-limit", "0", SLOW=1, MARK=mark)  # with a nanny, as by default
    out = tmp_path / "out"
    given = ("--seeds", SEEDS, "--cluster", scheduler.address(), "--cache", tmp_path / "cache")
    with started(paper, out, *given) as process:
        until(lambda: list(out.rglob("cell.json")))
        scheduler.process.kill()
        _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert error.splitlines()[-1] == f"The scheduler of {scheduler.address()} is gone. {clusters.KEPT}"
    assert "Traceback" not in error
    for name in ("one", "two"):  # neither recordings nor features: all came from the client
        assert not [p for p in (tmp_path / name).rglob("*") if p.suffix == ".wav" or "ser_keras" in p.parts]
    finished = {name: content for name, content in numbers(out).items() if "seed" in name}
    assert finished
    assert all(reference[name] == content for name, content in finished.items())


@pytest.mark.slow
def test_workers_that_are_not_the_same_are_refused(paper, scheduler, tmp_path):
    other = tmp_path / "other" / "keras-3.0.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 3.0.0\n")
    changed = tmp_path / "changed"
    shutil.copytree(ROOT / "ser_keras", changed / "ser_keras", ignore=shutil.ignore_patterns("__pycache__"))
    with (changed / "ser_keras" / "losses.py").open("a") as file:
        file.write("# another line\n")
    scheduler("keras", "--no-nanny", PYTHONPATH=os.pathsep.join([str(other.parent), str(ROOT)]))
    scheduler("suite", "--no-nanny", PYTHONPATH=changed)
    with distributed.Client(scheduler.address(), set_as_default=False) as client:
        until(lambda: len(client.nthreads()) == 2)
    given = ("--seed", "0", "--cluster", scheduler.address())
    code, error = made(paper, tmp_path / "out", *given)
    assert code == 1
    here = remote.versions("tensorflow")
    assert f"is not used: it has keras 3.0.0 in place of {here['keras']}; install the same on both." in error
    assert f"in place of {here['ser-keras']}; install the same on both." in error
    assert f"No worker of {scheduler.address()} can be used." in error.splitlines()[-1]
    scheduler("good", "--no-nanny", "--nthreads", "1")
    with distributed.Client(scheduler.address(), set_as_default=False) as client:
        until(lambda: len(client.nthreads()) == 3)
    code, error = made(paper, tmp_path / "out", *given)
    assert code == 0, error
    assert "1 worker of" in error

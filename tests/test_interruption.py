"""Ctrl-C and SIGTERM: also where Python or a library would lose them, and at any instant of a real process."""

import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import PAPERS, ROOT, command

from ser_keras.support import interruption
from ser_keras.support.errors import SerError
from ser_keras.support.interruption import SENTENCE, check, ctrl_c
from ser_keras.support.progress import Progress


class Dying:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("block", [ctrl_c, interruption.command])
def test_lost_in_a_destructor_it_stops_the_job_at_its_next_step(block):
    steps = []

    def job():
        with block(), Progress("training", 3) as progress:
            for step in range(3):
                Dying()
                steps.append(step)  # before it is raised once more
                progress.step()

    with pytest.raises(KeyboardInterrupt if block is ctrl_c else SystemExit):
        job()
    assert steps == [0]


def test_raised_once_more_while_it_is_still_being_dropped_it_waits(capfd, monkeypatch):
    def start(function, arguments):  # the thread is quicker than the hook
        monkeypatch.setattr(interruption._thread, "start_new_thread", threads)
        function(*arguments)

    threads = interruption._thread.start_new_thread
    monkeypatch.setattr(interruption._thread, "start_new_thread", start)

    @interruption.command("Enough.")
    def job():
        Dying()
        time.sleep(30)

    begun = time.monotonic()
    with pytest.raises(SystemExit) as caught:
        job()
    assert time.monotonic() - begun < 5
    assert caught.value.code == 130
    assert capfd.readouterr().err == "\nEnough.\n"


def test_lost_in_a_destructor_it_is_raised_once_more_and_nothing_is_printed(capfd):
    start = time.monotonic()

    @interruption.command("Enough.")
    def job():
        Dying()
        time.sleep(30)

    with pytest.raises(SystemExit) as caught:
        job()
    assert time.monotonic() - start < 5
    assert caught.value.code == 130
    assert capfd.readouterr().err == "\nEnough.\n"


@ctrl_c()
def wrapped():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt as error:
        raise RuntimeError("in user code") from error


def test_wrapped_in_another_error_it_is_still_ctrl_c():
    with pytest.raises(KeyboardInterrupt):
        wrapped()


@ctrl_c()
def divided():
    check()
    return 1 / 0


def test_other_errors_and_the_usual_handler_are_left_alone():
    before = [signal.getsignal(number) for number in interruption.SIGNALS]
    with ctrl_c():
        assert signal.getsignal(signal.SIGINT) is not before[0]
        assert signal.getsignal(signal.SIGTERM) is before[1]
    with interruption.command():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    with pytest.raises(ZeroDivisionError):
        divided()
    with pytest.raises(ZeroDivisionError), interruption.command():
        divided()
    assert [signal.getsignal(number) for number in interruption.SIGNALS] == before


def test_one_job_does_not_stop_the_next():
    with pytest.raises(KeyboardInterrupt), ctrl_c():
        signal.raise_signal(signal.SIGINT)
    with ctrl_c():
        check()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_ends_with_a_sentence_and_the_signals_code(capfd, number, code):
    for _ in range(2):  # the first leaves nothing behind
        with pytest.raises(SystemExit) as caught, interruption.command("Enough."):
            signal.raise_signal(number)
        assert caught.value.code == code
        assert capfd.readouterr().err == "\nEnough.\n"


def test_a_command_explains_errors_that_a_user_can_mend(capfd):
    with pytest.raises(SystemExit) as caught, interruption.command():
        raise SerError("Mend it.")
    assert caught.value.code == 1
    assert capfd.readouterr().err == "\nMend it.\n"


RUN, JIN = "reproductions/jin2022/run.py", os.path.abspath(command("jin2022")[1])


@pytest.mark.parametrize(
    ("program", "started", "is_command"),
    [
        (JIN, ["python", JIN, "--demo"], True),
        ("/usr/bin/ser-keras", ["python", "/usr/bin/ser-keras", "check"], True),
        ("-m", ["python", "-m", "ser_keras", "check"], True),
        ("-m", ["python", "-mser_keras.corpora"], True),
        ("-m", ["python", "-m", "pytest"], False),
        ("-m", ["python", "-m", "ser_keras_plots"], False),
        ("-c", ["python", "-c", "import ser_keras"], False),
        ("elsewhere/run.py", ["python", "elsewhere/run.py"], False),  # no paper.toml beside it
        (JIN, ["python", "-m", "joblib.externals.loky.backend.popen_loky_posix"], False),  # told its parent's name
        ("", ["python"], False),
    ],
)
def test_only_commands_are_guarded(monkeypatch, program, started, is_command):
    monkeypatch.setattr(sys, "argv", [program, "--demo"])
    monkeypatch.setattr(sys, "orig_argv", started)
    assert interruption._is_command() is is_command


def test_importing_the_suite_elsewhere_leaves_signals_alone():
    code = "import signal, ser_keras; print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


@pytest.mark.parametrize("paper", PAPERS)
def test_a_script_is_guarded_before_it_loads_anything_that_takes_time(paper):
    timed = [sys.executable, "-X", "importtime", *command(paper, "--help")[1:]]
    lines = subprocess.run(timed, capture_output=True, text=True, check=True).stderr.splitlines()
    order = [line.split("|")[-1].strip() for line in lines]  # by the end of each import
    assert order.index("ser_keras") < order.index("numpy")
    assert "numpy" not in order[: order.index("ser_keras")]


def _default_signals():
    """In the child: whoever runs the tests in the background has told it to ignore Ctrl-C."""
    for number in interruption.SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def guarded(*flags, cwd):
    """A paper's script from the moment on at which it answers signals."""
    process = subprocess.Popen(
        command("jin2022", "--demo", "--epochs", 1, "--protocol", "paper", *flags),
        cwd=cwd,
        env=os.environ | {"XDG_CACHE_HOME": str(cwd)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_default_signals,
    )
    with open(f"/proc/{process.pid}/status") as status:
        while process.poll() is None:
            status.seek(0)
            masks = dict(line.split(":\t") for line in status if line.startswith("SigCgt"))
            if int(masks["SigCgt"], 16) >> (signal.SIGTERM - 1) & 1:
                break
            time.sleep(0.001)
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("delay", [0, 0.02, 0.05, 0.1, 0.2, 0.3])
def test_at_any_instant_of_the_imports(tmp_path, number, code, delay):
    process = guarded(cwd=tmp_path)
    time.sleep(delay)
    process.send_signal(number)
    _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (code, f"\n{SENTENCE}\n")


STUBBORN = """
import sys, time
import ser_keras
from ser_keras.support import interruption
from ser_keras.support.stderr import held
assert interruption._installed
with interruption.command("Enough."), held():  # as while TensorFlow starts
    try:
        print("at work", flush=True)
        time.sleep(60)
    finally:
        print("unwinding", flush=True)
        time.sleep(60)
"""


def test_a_second_time_it_ends_at_once(tmp_path):
    (tmp_path / "paper.toml").touch()
    (tmp_path / "run.py").write_text(STUBBORN)
    for first, second, code in ((signal.SIGINT, signal.SIGINT, 130), (signal.SIGTERM, signal.SIGINT, 130)):
        process = subprocess.Popen(
            [sys.executable, tmp_path / "run.py"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_default_signals,
        )
        assert process.stdout.readline() == "at work\n"
        process.send_signal(first)
        assert process.stdout.readline() == "unwinding\n"
        start = time.monotonic()
        process.send_signal(second)
        _, error = process.communicate(timeout=30)
        assert time.monotonic() - start < 5
        assert (process.returncode, error) == (code, "\nEnough.\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])  # with a buffer the end notices, without one the first word
def test_a_reader_that_leaves_is_no_error(tmp_path, unbuffered):
    process = subprocess.Popen(
        [sys.executable, "-m", "ser_keras", "corpora"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(30) == interruption.BROKEN_PIPE


@pytest.mark.slow
def test_while_it_trains_finished_runs_are_kept(tmp_path):
    out = tmp_path / "out"
    process = guarded("--seeds", 30, "--out", out, cwd=tmp_path)
    deadline = time.monotonic() + 120
    while len(list(out.rglob("cell.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 143
    assert error.endswith(f"\n{SENTENCE}\n")
    assert error.count("Stopped") == 1
    assert "Traceback" not in error
    finished = {path: path.read_bytes() for path in out.rglob("cell.json")}
    assert 2 <= len(finished) < 30
    again = guarded("--seeds", len(finished), "--out", out, cwd=tmp_path)
    assert again.wait(120) == 0
    assert {path: path.read_bytes() for path in out.rglob("cell.json")} == finished


LINGERING = """
import signal
import ser_keras
from ser_keras.support import interruption

class Late:
    def __del__(self):  # when the interpreter takes itself apart
        signal.raise_signal(signal.SIGTERM)

late = Late()
with interruption.command():
    print("done")
    raise SystemExit({code!r})
"""


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (None, 0), (2, 2), ("A sentence.", 1)])
def test_when_all_is_done_the_code_stays_what_it_is(tmp_path, code, expected):
    (tmp_path / "paper.toml").touch()
    (tmp_path / "run.py").write_text(LINGERING.format(code=code))
    done = subprocess.run([sys.executable, tmp_path / "run.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (expected, "done\n")
    assert done.stderr == ("A sentence.\n" if expected == 1 else "")

"""Ctrl-C and SIGTERM: one sentence, a code, finished work kept; a second time: at once.

Python drops a KeyboardInterrupt that is raised in the callback of a weak reference or in a destructor, and a library
may answer it with an error of its own. The first happens while TensorFlow traces a network: so a signal is written
down, and raised once more where it was dropped.

While a command is at work, a signal unwinds it as an exception. Before that (imports take seconds) and after it there
is nothing to unwind, and a traceback would tell nobody anything: the sentence is said, and the process ends.
"""

from __future__ import annotations

import _thread
import atexit
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from ser_keras.support.errors import SerError

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SENTENCE = "Stopped. What was finished is kept; the same command goes on from here."
LATER = 0.01  # seconds, after which a dropped exception is raised once more
BROKEN_PIPE = 141  # what shells report of a program whose reader has left

voice = 2  # the descriptor of standard error; another one while that is held back (support/stderr.py)
_came = 0  # the signal that came, if one did
_sentence = SENTENCE  # what is still to be said then; empty when it was
_depth = 0  # blocks that are to be unwound
_code: int | None = None  # with which the command ended
_installed = False
_others = sys.__unraisablehook__  # what tells of other exceptions that nobody can catch
_repeated = False  # the next signal is none, but an exception that was dropped, to be raised once more


def install() -> None:
    """Answer signals with one sentence from now on, if the process is one of the suite's commands.

    `import ser_keras` calls this before anything else. Scripts, notebooks and worker processes are left alone, and
    so are signals that somebody ignores (nohup) or answers otherwise.
    """
    global _installed
    if _installed or not _is_command() or threading.current_thread() is not threading.main_thread():
        return
    _installed = True
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _note)
    atexit.register(_last)  # registered first, it runs last


def _is_command() -> bool:
    """Whether Python was started as `python reproductions/PAPER/run.py`, `ser-keras` or `python -m ser_keras`."""
    program, started = sys.argv[0] if sys.argv else "", sys.orig_argv
    if program == "-m":  # while the module is being looked for
        return any(word.removeprefix("-m").split(".")[0] == "ser_keras" for word in started[1:])
    folder, name = os.path.split(program)
    if program not in started:  # a worker process is told its parent's name
        return False
    return name in ("ser-keras", "ser-keras.exe") or (
        name == "run.py" and os.path.exists(os.path.join(folder, "paper.toml"))
    )


@contextmanager
def command(sentence: str = SENTENCE) -> Iterator[None]:
    """The whole of a command: errors that a user can mend and signals end it with a message and a code.

    Args:
        sentence: What is said after a signal.

    Raises:
        SystemExit: 130 after Ctrl-C, 143 after SIGTERM, 141 when nobody reads the output any more, the code of a
            `SerError`.

    Example:
        >>> def main():
        ...     with command():
        ...         print("at work")
        >>> main()
        at work
    """
    global _sentence, _code
    _sentence = sentence
    try:
        with _noting(*SIGNALS):
            try:
                yield
                check()
            except SystemExit as end:
                sys.stdout.flush()
                _code = end.code if isinstance(end.code, int) else int(end.code is not None)
                raise
            sys.stdout.flush()
    except KeyboardInterrupt:
        code = 128 + (_came or signal.SIGINT)
        _say()
        _forget()
        raise SystemExit(code) from None
    except BrokenPipeError:
        if _is_read(sys.stdout):
            raise
        _forget()
        raise SystemExit(BROKEN_PIPE) from None
    except SerError as error:
        print(f"\n{error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


@contextmanager
def ctrl_c() -> Iterator[None]:
    """Note Ctrl-C while the block runs, for callers that are no command.

    Raises:
        KeyboardInterrupt: Also in place of any other error that follows Ctrl-C.

    Example:
        >>> with ctrl_c():
        ...     check()
    """
    try:
        with _noting(signal.SIGINT):
            yield
    finally:
        _forget()


def check() -> None:
    """Stop here if a signal came before; long jobs call this between steps.

    Raises:
        KeyboardInterrupt: One did.
    """
    if _came:
        raise KeyboardInterrupt


@contextmanager
def quiet_children() -> Iterator[None]:
    """Processes that are started in the block hear nothing of Ctrl-C, which a terminal sends to all.

    They would answer with a traceback each, and the one that tidies up behind them with a warning; whoever started
    them ends them. Here, Ctrl-C is only put off.
    """
    from multiprocessing import resource_tracker

    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    warnings = os.environ.get("PYTHONWARNINGS", "")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [warnings, "ignore:resource_tracker"]))
    resource_tracker.ensure_running()  # as it starts, it lets signals through
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.environ["PYTHONWARNINGS"] = warnings


@contextmanager
def _noting(*numbers: int) -> Iterator[None]:
    """Write signals down while the block runs. Only a main thread hears of them."""
    global _depth, _others
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _note) for number in numbers}
    hook = sys.unraisablehook
    if hook is not _dropped:
        _others, sys.unraisablehook = hook, _dropped
    _depth += 1
    try:
        yield
    except Exception as error:
        if _came:
            raise KeyboardInterrupt from error
        raise
    finally:
        _depth -= 1
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _note(number: int, frame: FrameType | None) -> None:
    global _came, _repeated
    if _repeated:
        _repeated = False
        if _is_within(_dropped, frame):  # on a busy machine: still where the first one was dropped
            _thread.start_new_thread(_repeat, ())
            return
        raise KeyboardInterrupt
    again, _came = _came, number
    if _depth and not again:
        raise KeyboardInterrupt
    _leave()


def _dropped(what: Any) -> None:
    """Take the place of Python's words on an exception that nobody could catch, if it is a signal's."""
    if _came and issubclass(what.exc_type, KeyboardInterrupt):
        _thread.start_new_thread(_repeat, ())  # unlike a Timer it is not waited for, which a signal might interrupt
    else:
        _others(what)


def _is_within(function: Callable[..., Any], frame: FrameType | None) -> bool:
    """Whether a function is at work, somewhere above a frame."""
    while frame is not None:
        if frame.f_code is function.__code__:
            return True
        frame = frame.f_back
    return False


def _repeat() -> None:
    global _repeated
    time.sleep(LATER)
    if not _depth:
        return
    _repeated = True
    if hasattr(signal, "pthread_kill"):  # also wakes a main thread that waits
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:  # Windows
        _thread.interrupt_main(signal.SIGINT)


def _say() -> None:
    """Once, and past Python's buffers, which the signal may have found half written."""
    global _sentence
    said, _sentence = _sentence, ""
    if said:
        with suppress(OSError):
            os.write(voice, f"\n{said}\n".encode())


def _forget() -> None:
    """Begin anew, unless the process is about to end."""
    global _came, _sentence
    if not _installed and not _depth:
        _came, _sentence = 0, SENTENCE


def _leave() -> None:
    """End the process now, and its workers with it."""
    _say()
    children = getattr(sys.modules.get("multiprocessing"), "active_children", tuple)  # it may be half imported
    for child in children():
        child.kill()
    os._exit(128 + _came)


def _last() -> None:
    """End a command here: the interpreter would take its time to leave, and answer a signal by dying of it."""
    if _came:
        _leave()
    if _code is not None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(_code)


def _is_read(stream: object) -> bool:
    """Whether somebody still reads a stream; if not, what is left in its buffer goes nowhere."""
    try:
        stream.flush()
        if not _reader_left(stream.fileno()):  # without a buffer there is nothing to flush
            return True
    except BrokenPipeError:
        pass
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return False


def _reader_left(descriptor: int) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return False
    look = select.poll()
    look.register(descriptor, 0)
    return any(event & select.POLLERR for _, event in look.poll(0))

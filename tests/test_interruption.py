"""Ctrl-C where Python or a library would lose it."""

import signal

import pytest

from ser_keras.support.interruption import check, ctrl_c
from ser_keras.support.progress import Progress


class Dying:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_lost_in_a_destructor_it_stops_the_job_at_its_next_step():
    steps = []

    def job():
        with ctrl_c(), Progress("training", 3) as progress:
            for step in range(3):
                Dying()
                steps.append(step)
                progress.step()

    with pytest.raises(KeyboardInterrupt):
        job()
    assert steps == [0]


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
    before = signal.getsignal(signal.SIGINT)
    with ctrl_c():
        assert signal.getsignal(signal.SIGINT) is not before
    with pytest.raises(ZeroDivisionError):
        divided()
    assert signal.getsignal(signal.SIGINT) is before


def test_one_job_does_not_stop_the_next():
    with pytest.raises(KeyboardInterrupt), ctrl_c():
        signal.raise_signal(signal.SIGINT)
    with ctrl_c():
        check()

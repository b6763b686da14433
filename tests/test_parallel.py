import os
import signal
import threading
import time

import pytest

from ser_keras.support.parallel import results


def square(item, stopped):
    return item**2


@pytest.mark.parametrize(("jobs", "threads"), [(1, True), (3, True), (2, False)])
def test_results_come_in_order(jobs, threads):
    with results(square, range(9), jobs=jobs, threads=threads) as made:
        assert list(made) == [i**2 for i in range(9)]


def test_an_error_stops_what_runs_and_drops_what_waits():
    started, ended, before = [], [], threading.active_count()

    def work(item, stopped):
        started.append(item)
        if item == 0:
            raise ZeroDivisionError
        while not stopped():
            time.sleep(0.01)
        ended.append(item)

    with pytest.raises(ZeroDivisionError), results(work, range(50), jobs=4, threads=True) as made:
        list(made)
    assert len(started) <= 8
    assert sorted(ended) == sorted(started)[1:]
    assert threading.active_count() == before


def process(item, stopped):
    if item == 0:
        raise ZeroDivisionError
    time.sleep(0.1)
    return os.getpid()


def test_an_error_in_a_process_comes_through():
    with pytest.raises(ZeroDivisionError), results(process, range(20), jobs=2, threads=False) as made:
        list(made)


def blocked(item, stopped):
    with open("/proc/self/status") as status:
        mask = next(line for line in status if line.startswith("SigBlk"))
    return int(mask.split()[1], 16) >> (signal.SIGINT - 1) & 1


def test_processes_do_not_hear_what_a_terminal_sends_to_all():
    with results(blocked, range(4), jobs=2, threads=False) as made:
        assert list(made) == [1] * 4
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])

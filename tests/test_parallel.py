import os
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

"""Work shared among threads or processes, that ends in order: no worker outlives the loop over its results."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

from ser_keras.support.interruption import quiet_children

Stopped = Callable[[], bool]


def _never() -> bool:
    return False


@contextmanager
def results(
    function: Callable[[Any, Stopped], Any], items: Sequence[Any], *, jobs: int, threads: bool
) -> Iterator[Iterator[Any]]:
    """What the function gives for each item, in order, while others are still being computed.

    Where the block ends early (an error, Ctrl-C), what waits is dropped and what runs is waited for: a thread in the
    middle of native code would take the whole process down when the interpreter leaves.

    Args:
        function: Takes an item, and a function that tells whether the result is still wanted; long work asks it now
            and then (in processes, it always is). What it takes and gives must be picklable where `threads` is False.
        items: What to compute.
        jobs: Workers; with one, everything is done here. -1 is one a core, -2 one less, and so on.
        threads: Threads in the place of processes, for functions that leave Python alone most of the time.

    Yields:
        An iterator over the results.

    Example:
        >>> with results(lambda item, stopped: item**2, [1, 2, 3], jobs=2, threads=True) as squares:
        ...     list(squares)
        [1, 4, 9]
    """
    import joblib

    jobs = min(joblib.effective_n_jobs(jobs), len(items))
    if jobs <= 1:
        yield (function(item, _never) for item in items)
    elif threads:
        stop = threading.Event()
        pool = ThreadPoolExecutor(jobs)
        try:
            futures = [pool.submit(function, item, stop.is_set) for item in items]
            yield (future.result() for future in futures)
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    else:
        run = joblib.Parallel(n_jobs=jobs, prefer="processes", return_as="generator")
        with quiet_children():  # which are started by the first items
            made = run(joblib.delayed(function)(item, _never) for item in items)
        with closing(made):
            yield made

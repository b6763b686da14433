"""What a machine can do, measured quickly: the speed of a matrix product, and memory used so far."""

from __future__ import annotations

import functools
import sys
import time

SIZE, SECONDS = 384, 0.1  # rows of a square matrix; how long it is multiplied


@functools.cache
def gflops(threads: int) -> float:
    """GFLOP/s of a small float32 matrix product; best of what fits into a tenth of a second, measured once.

    It compares machines, and says less than a large product would reach.

    Args:
        threads: Threads that it may use.

    Returns:
        In one digit behind the point.

    Example:
        >>> gflops(1) > 0.1
        True
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).random((SIZE, SIZE), np.float32)
    product = np.empty_like(a)
    best, end = float("inf"), time.perf_counter() + SECONDS
    with threadpool_limits(threads, user_api="blas"):
        np.matmul(a, a, out=product)  # the first one starts the threads
        while (start := time.perf_counter()) < end:
            np.matmul(a, a, out=product)
            best = min(best, time.perf_counter() - start)
    return round(2e-9 * SIZE**3 / best, 1) if best < float("inf") else 0.0


def peak_memory() -> float:
    """The largest share of memory that this process has held so far, in MB; 0 where the system does not tell.

    Example:
        >>> peak_memory() >= 0
        True
    """
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measured(threads: int) -> dict[str, float]:
    """What a run's record keeps of its machine: `threads`, `gflops` and `peak_mb`, the process's so far.

    Args:
        threads: Threads that the run used.

    Returns:
        Peak memory is in megabytes.

    Example:
        >>> sorted(measured(1))
        ['gflops', 'peak_mb', 'threads']
    """
    return {"threads": threads, "gflops": gflops(threads), "peak_mb": round(peak_memory())}

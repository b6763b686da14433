"""Keras's backend: started quietly, with repeatable settings."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
from pathlib import Path

from ser_keras.support.stderr import held


def prepare_backend() -> None:
    """Import Keras with quiet, repeatable settings. Call it before anything else asks Keras for anything."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Keras then leaves XLA aside, too, whose code for CPUs takes two to three times as long as TensorFlow's own.
    os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
    # Several runs may share one GPU: each takes what it needs, not all that there is.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    _keep_freed_memory()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # "retracing": true of several models in one process
    # TensorFlow's start-up notes go out before its log level counts (tensorflow issue 100442); to a student they look
    # like errors.
    with held():
        import keras  # here, not above: tables and --help must do without a backend

        keras.ops.zeros(1)  # the first operation makes the backend look for devices, and talk about it
        keras.utils.set_random_seed(0)  # looks for TensorFlow under the other backends, too; `fit` seeds again


def _keep_freed_memory() -> None:
    """Let glibc keep large blocks that are freed, in place of asking the system for each again.

    A block of more than 32 MB comes from the system and goes back to it, and its pages are cleared every time: with
    activations that large (4,536 values, 64 filters) that is a third of a training step. Elsewhere nothing happens.
    """
    m_trim_threshold, m_mmap_threshold = -1, -3  # <malloc.h>
    with contextlib.suppress(AttributeError, OSError, TypeError):  # not glibc
        libc = ctypes.CDLL(None)
        libc.mallopt(m_mmap_threshold, 2**30)
        libc.mallopt(m_trim_threshold, 2**31 - 1)


def name() -> str:
    """The backend that Keras runs on: "tensorflow", "jax" or "torch"."""
    import keras

    return keras.backend.backend()


def device() -> str:
    """What computes, in words: "CPU, 2 cores", or the names of the accelerators.

    The backend is asked through Keras alone, whose lists name kinds and numbers ("gpu:0").
    """
    import keras

    try:
        found = keras.distribution.list_devices()
    except AttributeError:  # Keras lists none for PyTorch, whose tensors know where they are
        found = [str(keras.ops.zeros(1).device)]
    others = [name for name in found if not name.lower().startswith("cpu")]
    return ", ".join(others) or f"CPU, {os.cpu_count()} cores"


# TensorFlow's operations and products of matrices; PyTorch and NumPy; JAX on a CPU.
_THREADS = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")


def thread_settings(number: int) -> dict[str, str]:
    """Environment under which a process computes with so many threads, whatever the backend.

    It counts when it is set before Keras is imported.

    Args:
        number: Threads, from 1.

    Returns:
        Environment variables by name.

    Example:
        >>> thread_settings(2)["TF_NUM_INTRAOP_THREADS"]
        '2'
    """
    return dict.fromkeys(_THREADS, str(number)) | {"TF_NUM_INTEROP_THREADS": "1"}


def child_environment(number: int) -> dict[str, str]:
    """The environment of a process that computes for this one: so many threads, and the suite as it lies here.

    Args:
        number: Threads, from 1.

    Returns:
        This process's variables, with those.

    Example:
        >>> child_environment(2)["OMP_NUM_THREADS"]
        '2'
    """
    suite = str(Path(__file__).parents[2])
    paths = os.pathsep.join(filter(None, [suite, os.environ.get("PYTHONPATH")]))
    return os.environ | thread_settings(number) | {"PYTHONPATH": paths}


def threads() -> int:
    """Threads that this process computes with: those set, else one a core that it may use."""
    given = os.environ.get(_THREADS[0], "")
    if given.isdecimal() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""What is asked for: which runs, on what, and where results go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Options:
    """The flags of a `run.py`, typed; from Python the same.

    Attributes:
        out: Where results are written.
        data: Where corpora lie; None for $SER_KERAS_DATA or the per-user data folder.
        cache: Where features are kept; None for the per-user cache.
        corpora: Names of corpora, or paths of CSV files; empty for the paper's.
        protocols: Protocols; empty for all.
        variants: Variants; empty for all (on the demo corpus for those that it shows).
        seeds: Seeds.
        folds: Folds; None for all.
        shard: (I, N): every N-th run, from the I-th (from 1); None for all.
        epochs: Another number of epochs than the recipe's.
        precision: Keras's dtype policy; "auto" for bfloat16 where `runs.precision` chooses it, else float32.
        jobs: Parallel workers for features; -1 for every core.
        demo: Use the synthetic corpus.
        skip_bad: Leave unusable recordings out.
        fresh: Run again what is finished.
        tables_only: Run nothing.
        publish: Add the runs to the paper's committed results.
        until: `time.monotonic()` after which no run is started that is not expected to have ended; None for no end.
        keep_models: Keep the model of every run, in place of one a variant.
        cluster: Where to train: the address of a Dask scheduler, "local:N" for N processes of this machine, a
            `distributed.Client`; None for this process.
    """

    out: Path
    data: Path | None = None
    cache: Path | None = None
    corpora: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    folds: tuple[int, ...] | None = None
    shard: tuple[int, int] | None = None
    epochs: int | None = None
    precision: str = "float32"
    jobs: int = -1
    demo: bool = False
    skip_bad: bool = False
    fresh: bool = False
    tables_only: bool = False
    publish: bool = False
    until: float | None = None
    keep_models: bool = False
    cluster: Any = None

"""Progress with a clock, the same everywhere: a moving bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from ser_keras.support import interruption


class Progress:
    """Counts steps of one job and tells how long the rest will take.

    Args:
        what: The job, as the reader knows it.
        total: How many steps it has.
        every: On an output that is no terminal, seconds between two lines.

    Example:
        >>> with Progress("extracting", total=3) as progress:  # doctest: +SKIP
        ...     for _ in range(3):
        ...         progress.step()
    """

    def __init__(self, what: str, total: int, *, every: float = 30.0) -> None:
        self.what, self.total, self.every = what, total, every
        self.done, self.note = 0, ""
        self._bar = None

    def __enter__(self) -> Progress:
        self._start = self._told = time.monotonic()
        if sys.stderr.isatty():
            from rich import console, progress

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(bar_width=24),
                progress.MofNCompleteColumn(),
                progress.TextColumn("left"),
                progress.TimeRemainingColumn(elapsed_when_finished=True),
                progress.TextColumn("{task.fields[note]}"),
                console=console.Console(stderr=True),
            )
            self._bar.start()
            self._task = self._bar.add_task(self.what, total=self.total, note="")
        return self

    def step(self, note: str = "", *, by: int = 1) -> None:
        """One step (or `by` steps) more; `note` stands behind the bar.

        Args:
            note: Shown behind the bar.
            by: How many steps.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed before and got lost.
        """
        interruption.check()
        self.done += by
        self.note = note
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._task, advance=by, note=note)
        elif now - self._told >= self.every and self.done < self.total:
            self._told = now
            self._print(f"about {duration((now - self._start) / self.done * (self.total - self.done))} left")

    def spare(self, steps: int) -> None:
        """So many steps are not needed after all: the total shrinks.

        Args:
            steps: How many.
        """
        self.total -= steps
        if self._bar is not None:
            self._bar.update(self._task, total=self.total)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif kind is None and self.total:
            self._print(f"took {duration(time.monotonic() - self._start)}")

    def _print(self, when: str) -> None:
        parts = [f"{self.what}: {self.done:,} of {self.total:,}", when, self.note]
        print("; ".join(part for part in parts if part), file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    Args:
        seconds: From 0.

    Returns:
        Hours and minutes, minutes and seconds, or seconds.

    Example:
        >>> duration(7.25), duration(192), duration(7300)
        ('7.2 s', '3 min 12 s', '2 h 01 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"

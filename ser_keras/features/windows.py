"""Overlapping windows over the frames of recordings, gathered when a batch needs them.

At a shift of 3 frames a window of 25 repeats each frame eight times; holding the frames once keeps a corpus in a
tenth of the memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Window:
    """How recordings are cut.

    Attributes:
        length: Frames in a window.
        shift: Frames from the start of one window to the start of the next.
    """

    length: int
    shift: int


@dataclass(frozen=True)
class Windows:
    """Windows as samples: looks like an array of shape (windows, length, coefficients), holds each frame once.

    Attributes:
        frames: float32, shape (frames, coefficients): all recordings, one behind the other.
        first: First frame of each window.
        last: Last frame of each window's recording; a window that reaches over it repeats it.
        length: Frames in a window.

    Example:
        >>> frames = np.arange(6, dtype=np.float32)[:, None]
        >>> windows, counts = cut(frames, np.array([4, 2]), Window(length=3, shift=1))
        >>> counts, windows.shape
        (array([2, 1]), (3, 3, 1))
        >>> windows.gather(np.array([1, 2]))[:, :, 0]
        array([[1., 2., 3.],
               [4., 5., 5.]], dtype=float32)
    """

    frames: np.ndarray
    first: np.ndarray
    last: np.ndarray
    length: int

    @property
    def shape(self) -> tuple[int, ...]:
        """(windows, length, coefficients)."""
        return (len(self.first), self.length, *self.frames.shape[1:])

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, positions: np.ndarray) -> Windows:
        """Some of the windows, over the same frames."""
        return Windows(self.frames, self.first[positions], self.last[positions], self.length)

    def gather(self, positions: np.ndarray) -> np.ndarray:
        """Some of the windows as an array, shape (positions, length, coefficients).

        Args:
            positions: Which windows, as integers, shape (positions,).

        Returns:
            A copy, float32; a window that reaches over its recording repeats the last frame.
        """
        return self.frames[self._rows(positions)]

    def used(self) -> np.ndarray:
        """The frames that stand in at least one window, each once, in order: shape (frames,)."""
        there = np.zeros(len(self.frames), bool)
        there[self._rows(slice(None))] = True
        return np.flatnonzero(there)

    def _rows(self, positions: np.ndarray | slice) -> np.ndarray:
        rows = self.first[positions, None] + np.arange(self.length)
        return np.minimum(rows, self.last[positions, None])


def cut(frames: np.ndarray, lengths: np.ndarray, window: Window) -> tuple[Windows, np.ndarray]:
    """All windows that fit into each recording; one for a recording that is shorter than a window.

    Args:
        frames: Shape (frames, coefficients), all recordings one behind the other.
        lengths: Frames of each recording; 0 for one that is left out.
        window: Length and shift.

    Returns:
        The windows, in the order of the recordings, and how many each recording has.

    Example:
        >>> windows, counts = cut(np.zeros((12, 3)), np.array([7, 5]), Window(length=4, shift=2))
        >>> len(windows), counts
        (3, array([2, 1]))
    """
    counts = np.where(lengths > 0, np.maximum(0, lengths - window.length) // window.shift + 1, 0)
    ends = np.cumsum(lengths)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.repeat(ends - lengths, counts) + window.shift * within
    return Windows(frames, first, np.repeat(ends - 1, counts), window.length), counts

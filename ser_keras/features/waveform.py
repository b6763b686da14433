"""Features and treatments of the waveform itself: level, zero crossings, pre-emphasis.

Equal to librosa's functions of the same name to 1e-4 relative.
"""

from __future__ import annotations

import numpy as np

from ser_keras.features.spectrum import frame

SILENCE = 1e-10  # librosa's: a smaller amplitude has no sign


def rms(waveform: np.ndarray, *, frame_length: int, hop_length: int) -> np.ndarray:
    """Root mean square of centred frames, float32, shape (frames, 1).

    Args:
        waveform: Shape (samples,).
        frame_length: Samples in a frame.
        hop_length: Samples from one frame to the next.

    Returns:
        float32, shape (frames, 1), in units of the waveform.

    Example:
        >>> float(rms(np.full(8000, 0.5), frame_length=512, hop_length=256)[10, 0])
        0.5
    """
    frames = frame(waveform, frame_length=frame_length, hop_length=hop_length, center=True)
    return np.sqrt(np.einsum("tn,tn->t", frames, frames) / frame_length)[:, None].astype(np.float32)


def zero_crossing_rate(waveform: np.ndarray, *, frame_length: int, hop_length: int) -> np.ndarray:
    """Sign changes per sample in centred frames, float32, shape (frames, 1).

    The waveform is continued at both ends by its last value, so that padding adds no crossing.

    Args:
        waveform: Shape (samples,).
        frame_length: Samples in a frame.
        hop_length: Samples from one frame to the next.

    Returns:
        float32, shape (frames, 1), in [0, 1].

    Example:
        >>> alternating = np.tile([1.0, -1.0], 500)
        >>> float(zero_crossing_rate(alternating, frame_length=100, hop_length=50)[10, 0])
        0.99...
    """
    y = np.pad(np.asarray(waveform, dtype=np.float32), frame_length // 2, mode="edge")
    negative = (y < 0) & (np.abs(y) > SILENCE)
    crossings = np.concatenate([[0], np.cumsum(negative[1:] != negative[:-1])])
    starts = np.arange(0, len(y) - frame_length + 1, hop_length)
    # From a frame's first sample to its last: the step into the frame is not its own.
    counts = crossings[starts + frame_length - 1] - crossings[starts]
    return (counts / frame_length)[:, None].astype(np.float32)


def preemphasis(waveform: np.ndarray, *, coefficient: float, previous: float | None) -> np.ndarray:
    """y[t] - coefficient * y[t - 1]: a gentle high-pass.

    Args:
        waveform: Shape (samples,).
        coefficient: 0.97, most often.
        previous: The sample before the first. None continues the first two in a straight line, in librosa's sense:
            2 y[0] - y[1] is added to the first result.

    Returns:
        float32, shape (samples,).

    Example:
        >>> preemphasis(np.array([1.0, 1.0, 2.0]), coefficient=0.5, previous=0.0)
        array([1. , 0.5, 1.5], dtype=float32)
    """
    y = np.asarray(waveform, dtype=np.float32)
    result = np.empty_like(y)
    result[1:] = y[1:] - np.float32(coefficient) * y[:-1]
    if previous is None:
        result[0] = y[0] + (2 * y[0] - y[1] if len(y) > 1 else 0)
    else:
        result[0] = y[0] - coefficient * previous
    return result

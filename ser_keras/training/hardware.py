"""Which arithmetic the machine has in hardware."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CPU_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # the last is ARM's
COMPUTE_CAPABILITY = 8.0  # NVIDIA's first with bfloat16 (Ampere)


def has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the GPU, or without one the CPU, multiplies in bfloat16; False where that cannot be told.

    Args:
        cpuinfo: Where Linux says what its CPU can do.

    Returns:
        Whether it is fast there; anything computes it.
    """
    gpus = _compute_capabilities()
    if gpus:
        return min(gpus) >= COMPUTE_CAPABILITY
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return False
    flags = {flag for line in lines if line.lower().startswith(("flags", "features")) for flag in line.split()}
    return not flags.isdisjoint(CPU_FLAGS)


def _compute_capabilities() -> list[float]:
    """Of NVIDIA's GPUs, where its driver is installed."""
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return [float(line) for line in done.stdout.split()]
    except (OSError, ValueError, subprocess.SubprocessError):
        return []

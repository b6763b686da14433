"""How a command ends: one sentence and an exit code, whatever happened."""

from ser_keras.support.interruption import command as explained

__all__ = ["explained"]

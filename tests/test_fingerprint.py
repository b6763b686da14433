import importlib.util
import sys

import pytest

from ser_keras.features.fingerprint import fingerprint

SCRIPT = '''
import numpy as np
from ser_keras import features
GAIN = 2  # a constant

def scaled(y):
    return GAIN * y

def extract(y):
    """Words."""
    return features.fix_length(scaled(y), 3)
'''


@pytest.fixture
def name_of(tmp_path):
    """The fingerprint of `extract` in a script with the given source."""
    count = iter(range(100))

    def load(source):
        name = f"script_{next(count)}"
        path = tmp_path / f"{name}.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return fingerprint(module.extract)

    return load


@pytest.mark.parametrize(
    ("old", "new"),
    [("GAIN = 2", "GAIN = 3"), ("GAIN * y", "GAIN + y"), ("(y), 3)", "(y), 4)")],
)
def test_changes_with_what_changes_values(name_of, old, new):
    assert name_of(SCRIPT) != name_of(SCRIPT.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Words."""', '"""Other words."""'),
        ("# a constant", "# still one"),
        ("def extract(y)", "def extract(y: int)"),
    ],
)
def test_stays_with_what_changes_nothing(name_of, old, new):
    assert name_of(SCRIPT) == name_of(SCRIPT.replace(old, new))


def test_changes_with_the_suites_own_code(name_of, monkeypatch):
    from ser_keras import features

    before = name_of(SCRIPT)
    monkeypatch.setattr(features, "fix_length", lambda frames, length: frames)
    assert name_of(SCRIPT) != before


def test_wakes_no_lazy_module():
    import subprocess

    code = (
        "import sys; from ser_keras import features; from ser_keras.features import extraction, audio; from ser_keras.models import conv1d_residual;"
        "from ser_keras.features.fingerprint import fingerprint;"
        "[fingerprint(f) for f in (conv1d_residual.build, audio.load, features.mfcc)];"
        "print([m for m in ('tensorflow', 'librosa.core', 'pandas.core') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

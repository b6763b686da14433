import importlib
import importlib.util
import os
import subprocess
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
        "import sys; from ser_keras import features; from ser_keras.features import extraction, audio; "
        "from ser_keras.features.fingerprint import fingerprint;"
        "[fingerprint(f) for f in (audio.load, features.mfcc, features.stft)];"
        "print([m for m in ('tensorflow', 'librosa.core', 'pandas.core') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_constant_in_a_cell_of_a_notebook_counts():
    """Code without a file, as a notebook's: its globals are looked up where it runs."""

    def cell(gain):
        scope = {"__name__": "__main__"}
        exec(f"GAIN = {gain}\ndef extract(y):\n    return GAIN * y", scope)
        return fingerprint(scope["extract"])

    assert cell(1) == cell(1)
    assert cell(1) != cell(1000)


def test_an_import_within_a_function_and_a_chain_of_modules_count(name_of, monkeypatch):
    from ser_keras.features import spectrum

    local = "def extract(y):\n    from ser_keras.features import spectrum\n    return spectrum.fix_length(y, 3)"
    taken = "def extract(y):\n    from ser_keras.features.spectrum import fix_length\n    return fix_length(y, 3)"
    chain = "import ser_keras as ser\ndef extract(y):\n    return ser.features.spectrum.fix_length(y, 3)"
    before = [name_of(source) for source in (local, taken, chain)]
    assert before == [name_of(source) for source in (local, taken, chain)]
    monkeypatch.setattr(spectrum, "fix_length", lambda frames, length: frames[:length])
    assert all(old != new for old, new in zip(before, map(name_of, (local, taken, chain)), strict=True))


def test_a_helper_in_a_module_beside_the_script_counts(name_of, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    source = "import helper_of_test\ndef extract(y):\n    return helper_of_test.scaled(y)"
    (tmp_path / "helper_of_test.py").write_text("def scaled(y):\n    return 2 * y")
    before = name_of(source)
    (tmp_path / "helper_of_test.py").write_text("def scaled(y):\n    return 3 * y + 0")
    monkeypatch.delitem(sys.modules, "helper_of_test")
    importlib.invalidate_caches()
    assert name_of(source) != before


def test_names_are_the_same_in_every_process():
    code = (
        "from ser_keras import augmentation, features\n"
        "from ser_keras.features.fingerprint import fingerprint\n"
        "of = (features.audio.load, features.stft, features.chroma, features.harmonic, augmentation.random_pitch)\n"
        "print([fingerprint(function) for function in of])"
    )
    names = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(names) == 1


@pytest.mark.parametrize(
    "body",
    [
        "    import package_of_test.part as part\n    return part.GAIN * y",
        "    import package_of_test.part\n    return package_of_test.part.GAIN * y",
        "    import package_of_test.part as part\n    return [part.GAIN * v for v in y]",
        "    import package_of_test.part as part\n    def inner(v):\n        return part.GAIN * v\n    return inner(y)",
        "    global part\n    import package_of_test.part as part\n    return part.GAIN * y",
        "    from package_of_test import part\n    return part.GAIN * y",
    ],
)
def test_an_import_within_a_function_counts_however_it_is_worded(name_of, tmp_path, monkeypatch, body):
    """Not imported before, and its module below another's."""
    (tmp_path / "package_of_test").mkdir()
    (tmp_path / "package_of_test" / "__init__.py").touch()
    (tmp_path / "package_of_test" / "part.py").write_text("GAIN = 2")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("package_of_test", "package_of_test.part"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()
    source = f"def extract(y):\n{body}\n"
    before = name_of(source)
    assert name_of(source) == before
    monkeypatch.setattr(sys.modules["package_of_test.part"], "GAIN", 3)
    assert name_of(source) != before


@pytest.mark.parametrize("use", ["how.gain * y", "how(y)", "how.scaled(y)", "table.a[200] * y", "space.how.gain * y"])
def test_what_an_object_holds_counts(use):
    def cell(gain):
        scope = {"__name__": "__main__"}
        exec(
            "import pandas\nfrom types import SimpleNamespace\n"
            "class How:\n"
            "    def __init__(self, gain):\n        self.gain = gain\n"
            "    def __call__(self, y):\n        return self.gain * y\n"
            "    def scaled(self, y):\n        return self.gain * y\n"
            f"how = How({gain})\nspace = SimpleNamespace(how=how)\n"
            f"table = pandas.DataFrame({{'a': [0] * 200 + [{gain}] + [0] * 200}})\n"
            f"def extract(y):\n    return {use}\n",
            scope,
        )
        return fingerprint(scope["extract"]), fingerprint(scope["how"]), fingerprint(scope["how"].scaled)

    assert cell(1) == cell(1)
    assert all(one != other for one, other in zip(cell(1), cell(2), strict=True))

"""What must not load a deep-learning backend does not."""

import subprocess
import sys

import pytest
from conftest import PAPERS, ROOT, run_script

BACKENDS = ("tensorflow", "jax", "torch", "keras")


def loaded_by(code):
    code += f"\nimport sys; print([m for m in {BACKENDS!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def test_import_ser_keras_loads_nothing_heavy():
    assert loaded_by("import ser_keras, ser_keras.runs.experiment, ser_keras.reports.report") == "[]"


def test_features_are_loaded_when_they_are_used():
    code = (
        "import sys, ser_keras.features as f\n"
        "assert not {'numpy', 'scipy', 'librosa', 'numba', 'soundfile'} & set(sys.modules)\n"
        "assert f.delta.__module__ == 'ser_keras.features.deltas'\n"
        "assert all(getattr(f, name) is not None for name in f.__all__)\n"
        "assert {'rms', 'mfcc', 'chroma', 'delta', 'harmonic', 'Window'} <= set(dir(f))"
    )
    assert loaded_by(code) == "[]"


@pytest.mark.parametrize("paper", PAPERS)
def test_help_loads_nothing_heavy(paper):
    code = (
        f"import runpy, sys; sys.argv = ['run.py', '--help']\n"
        f"try: runpy.run_path({str(ROOT / 'reproductions' / paper / 'run.py')!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "assert type(sys.modules.get('pandas')).__name__ != 'module' or sys.exit('pandas was loaded')"
    )
    assert loaded_by(code) == "[]"


@pytest.mark.parametrize("paper", PAPERS)
def test_help_names_every_flag_of_the_design(paper, tmp_path):
    done = run_script(paper, "--help", cwd=tmp_path)
    assert done.returncode == 0
    for flag in [
        "--data",
        "--demo",
        "--corpus",
        "--protocol",
        "--variant",
        "--seeds",
        "--epochs",
        "--out",
        "--cluster",
        "--jobs",
        "--precision",
        "--fresh",
        "--tables-only",
    ]:
        assert flag in done.stdout


def test_no_code_of_the_package_imports_a_backend_directly():
    for path in (ROOT / "ser_keras").rglob("*.py"):
        for line in path.read_text().splitlines():
            assert not line.strip().startswith(("import tensorflow", "from tensorflow", "import torch", "import jax"))

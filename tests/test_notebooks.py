"""The lessons run from top to bottom on the synthetic corpus, and are kept without outputs, which would go stale."""

import os

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient

LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_five():
    assert [path.name[:2] for path in LESSONS] == ["01", "02", "03", "04", "05"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_clean_and_asks_questions(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    for cell in book.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
    # A lesson shows the API: it starts no process and edits no source text.
    code = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    assert not any(word in code for word in ("subprocess", "write_text", "os.system", "!python"))
    questions = [cell.source for cell in book.cells if cell.source.startswith("**Question.**")]
    assert len(questions) >= 2
    assert all("<details><summary>Answer</summary>" in text for text in questions)


# The first lesson trains nothing; the others are long.
@pytest.mark.parametrize(
    "path", [pytest.param(p, id=p.stem, marks=[pytest.mark.slow] * (p != LESSONS[0])) for p in LESSONS]
)
def test_a_lesson_runs(path, tmp_path, monkeypatch):
    (tmp_path / "reproductions").symlink_to(ROOT / "reproductions")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.delenv("SER_KERAS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    errors = [o for cell in book.cells if cell.cell_type == "code" for o in cell.outputs if o.output_type == "error"]
    assert not errors
    assert any(cell.outputs for cell in book.cells if cell.cell_type == "code")

"""`ser-keras check`: are all runs whole, and do they still count?"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ser_keras.runs.run import ANY

PAPERS = Path("reproductions")


@dataclass
class Checked:
    """What a check of one folder found.

    Attributes:
        folder: A paper's folder, or an output folder.
        runs: Runs that are there.
        damaged: What is damaged, a sentence each.
        differing: Run -> why it does not count.
    """

    folder: Path
    runs: int = 0
    damaged: list[str] = field(default_factory=list)
    differing: dict[str, str] = field(default_factory=dict)

    @property
    def counting(self) -> int:
        """Runs that count."""
        return self.runs - len(self.differing)

    def lines(self) -> Iterator[str]:
        """The findings as lines, the sum first; equal reasons stand together."""
        runs = "1 run, 1 counts" if self.runs == self.counting == 1 else f"{self.runs} runs, {self.counting} count"
        yield f"{self.folder}: {runs}" + (f", {len(self.damaged)} damaged" if self.damaged else "")
        yield from (f"  damaged: {sentence}" for sentence in self.damaged)
        reasons: dict[str, list[str]] = {}
        for run, reason in self.differing.items():
            reasons.setdefault(reason, []).append(run)
        for reason, runs_of in reasons.items():
            more = f" and {len(runs_of) - 1} more" if len(runs_of) > 1 else ""
            yield f"  does not count: {runs_of[0]}{more}: {reason}"


def check(folders: Sequence[Path | str] = (), *, papers: Path | str = PAPERS) -> list[Checked]:
    """Check committed results and output folders.

    Args:
        folders: Papers' folders (with a `run.py`) and output folders of runs; none for all papers.
        papers: Where the papers lie; an output folder's runs name theirs.

    Returns:
        One finding a folder. Networks are compared, too, so a backend is needed.

    Raises:
        SerError: A folder is neither.

    Example:
        >>> [found.damaged for found in check(["reproductions/jin2022"])]  # doctest: +SKIP
        [[]]
    """
    from ser_keras.support.errors import SerError
    from ser_keras.training import backend

    papers = Path(papers)
    chosen = [Path(folder) for folder in folders] or sorted(path.parent for path in papers.glob("*/run.py"))
    if not chosen:
        raise SerError(f"No paper lies in {papers}: run this beside the folder {PAPERS}, or name folders.")
    backend.prepare_backend()
    return [_committed(f) if (f / "run.py").exists() else _local(f, papers) for f in chosen]


def _committed(folder: Path) -> Checked:
    from ser_keras.runs import results as store
    from ser_keras.runs.checking import Checker
    from ser_keras.runs.script import load
    from ser_keras.support.errors import SerError

    found = Checked(folder)
    target = folder / "results"
    if not target.exists():
        return found
    found.damaged += [f"{target}: {wrong}" for wrong in store.damaged(target)]
    if found.damaged:
        return found
    try:
        results = store.from_published(target)
    except SerError as error:
        found.damaged.append(str(error))
        return found
    found.damaged += [f"{target}: {wrong}" for wrong in store.inconsistent(results)]
    checker = Checker(load(folder).EXPERIMENT)
    found.runs = len(results.cells)
    for cell in results.cells:
        if reason := checker.why_not(cell):
            found.differing[" ".join(str(value) for value in cell["cell"].values())] = reason
    return found


def _local(folder: Path, papers: Path) -> Checked:
    from ser_keras.runs import folder as files
    from ser_keras.runs.checking import Checker
    from ser_keras.runs.script import load
    from ser_keras.support.errors import SerError
    from ser_keras.support.files import read_json
    from ser_keras.support.messages import did_you_mean, shortened
    from ser_keras.support.names import printable

    paths = sorted(folder.glob(ANY))
    if not paths:
        near = did_you_mean(str(folder), [str(path.parent) for path in papers.glob("*/run.py")])
        raise SerError(f"{folder} is neither a paper's folder nor one with finished runs{near or '.'}")
    found, checkers = Checked(folder), {}
    known = {path.parent.name for path in papers.glob("*/run.py")}
    for path in paths:
        place = printable("/".join(path.parent.relative_to(folder).parts))
        if wrong := files.damage(path.parent):
            found.damaged.append(f"{place}: {wrong}")
            continue
        found.runs += 1
        record = read_json(path)
        paper = str(record.get("paper", folder.name))
        if paper not in known:  # its script is loaded, so no path from a record may lead to it
            found.damaged.append(f"{place}: there is no paper {shortened(paper)}")
            continue
        if paper not in checkers:
            checkers[paper] = Checker(load(papers / paper).EXPERIMENT)
        if reason := checkers[paper].why_not(record):
            found.differing[place] = reason
    return found


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's flags.

    Args:
        parser: To which they are added.
    """
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="papers or output folders (all papers)")
    parser.add_argument("--strict", action="store_true", help="code 1 also where a run does not count")


def command(args: argparse.Namespace) -> int:
    """Print what was found; the exit code.

    Args:
        args: The parsed flags.
    """
    found = check(args.folders)
    for one in found:
        for line in one.lines():
            print(line)
    runs, counting = sum(f.runs for f in found), sum(f.counting for f in found)
    print(f"{runs} runs, {counting} count")
    return 1 if any(f.damaged for f in found) or (args.strict and counting < runs) else 0

"""What becomes of files, servers and signals that are damaged or hostile.

    python benchmarks/faults --seed 1 [--quick] [NAME ...]

Every module beside this file is one attack. It has a TITLE, the sizes FULL and QUICK, and attack(seed, count), which
gives a Counter: `tried`, and of those `silent` (taken for good, though it is not), `tracebacks`, and `hangs`; what else
is counted says how the rest was handled. The exit code is 1 where anything was silent, fell over or hung.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parent
FAILURES = ("silent", "tracebacks", "hangs")


def attacks() -> list[str]:
    """The names of all attacks."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def load(name: str) -> ModuleType:
    """An attack's module; worker processes find it by the name `faults_NAME`."""
    spec = importlib.util.spec_from_file_location(f"faults_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> int:
    parser = argparse.ArgumentParser("benchmarks/faults", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(attacks())}; default: all")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything that is drawn (default 0)")
    parser.add_argument("--quick", action="store_true", help="a small part of each attack")
    args = parser.parse_args()
    if unknown := sorted(set(args.names) - set(attacks())):
        parser.error(f"there is no attack {', '.join(unknown)}")
    failed = False
    print(f"seed {args.seed}\n\n| what | tried | handled | silent | tracebacks | hangs | of those handled |")
    print("|---|--:|--:|--:|--:|--:|---|", flush=True)
    for name in args.names or attacks():
        module = load(name)
        found = module.attack(args.seed, module.QUICK if args.quick else module.FULL)
        failures = [found[kind] for kind in FAILURES]
        rest = [f"{kind} {count:,}" for kind, count in found.items() if kind not in ("tried", "handled", *FAILURES)]
        row = [module.TITLE, found["tried"], found["tried"] - sum(failures), *failures, ", ".join(rest)]
        print("| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else cell for cell in row) + " |", flush=True)
        failed |= any(failures) or not found["tried"]
    return int(failed)


if __name__ == "__main__":
    # The attacks' own names (toml, say) shall not stand in for those of libraries.
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != FOLDER]
    raise SystemExit(main())

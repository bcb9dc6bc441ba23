"""Run a benchmark: ``python -m benchmarks NAME [--data PATH] [--quick]``.

Prints one JSON object a figure. Exit code 0: every target met; 1: one missed; 2: wrong use.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("[a-z]*.py") if path.stem not in ("figure", "samples"))


def main() -> int:
    """Parse the command line, run, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("name", choices=[*NAMES, "all"], help="what to measure")
    parser.add_argument("--data", type=Path, help="folder with development data (never copied into the project)")
    parser.add_argument("--quick", action="store_true", help="measure the same on less, within 45 s")
    arguments = parser.parse_args()
    if arguments.data is not None and not arguments.data.exists():
        parser.error(f"--data: there is no {arguments.data}")
    fine = True
    for name in NAMES if arguments.name == "all" else [arguments.name]:
        module = importlib.import_module(f"benchmarks.{name}")
        for figure in module.figures(arguments.data, arguments.quick):
            print(json.dumps({"benchmark": name, **figure}, ensure_ascii=False), flush=True)
            fine = fine and bool(figure["ok"])
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

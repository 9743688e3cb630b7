"""Runs measurements by name: `python -m tests.bench reads ingest`, or all of them.

A new part is a module with a `main()` that takes its options from the command line, and a line in PARTS.
"""

import subprocess
import sys

PARTS = {
    "reads": "tests.bench.reads",
    "endpoints": "tests.bench.endpoints",
    "quarters": "tests.bench.quarters",
    "ingest": "tests.bench.ingest",
    "sync": "tests.bench.sync_cycle",
    "rebuild": "tests.bench.rebuild",
    "files": "tests.bench.files",
    "load": "tests.bench.load",
}


def main() -> int:
    names, options = [], []
    for word in sys.argv[1:]:
        (options if options or word.startswith("-") else names).append(word)
    names = list(PARTS) if names in ([], ["all"]) else names
    if unknown := [name for name in names if name not in PARTS]:
        print(f"bench: there is no {', '.join(unknown)}; there are {', '.join(PARTS)}, all", file=sys.stderr)
        return 2
    if options and len(names) > 1:
        print("bench: options are for one part alone", file=sys.stderr)
        return 2
    return max(subprocess.run([sys.executable, "-m", PARTS[name], *options]).returncode for name in names)


if __name__ == "__main__":
    sys.exit(main())

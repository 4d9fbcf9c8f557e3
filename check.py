"""Every check of the project, one after the other: `python check.py`.

Format, lint, types, the contract of imports, then the tests; `--fast` leaves the tests out.
"""

import os
import subprocess
import sys

PROCESSES = min(4, os.cpu_count() or 1)
"""That run tests side by side; a file's tests stay together, and share what they made."""

CHECKS = {
    "format": ("-m", "ruff", "format", "--check", "."),
    "lint": ("-m", "ruff", "check", "."),
    "types": ("-m", "mypy"),
    "imports": (
        "-c",
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())",
    ),
    "tests": (
        *("-m", "pytest", "-q", "--durations=10", f"-n{PROCESSES}"),
        *("--dist=loadfile", "--no-loadscope-reorder"),
    ),
}


def main() -> int:
    """Run the checks and say which of them failed."""
    failed = []
    for name, arguments in CHECKS.items():
        if name == "tests" and "--fast" in sys.argv:
            continue
        print(f"--- {name}", flush=True)
        if subprocess.run([sys.executable, *arguments]).returncode:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

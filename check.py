"""Every check of the project, one after the other: `python check.py`.

Format, lint, types, the contract of imports, then the tests; `--fast` leaves the tests out.
"""

import subprocess
import sys

CHECKS = {
    "format": ("-m", "ruff", "format", "--check", "."),
    "lint": ("-m", "ruff", "check", "."),
    "types": ("-m", "mypy"),
    "imports": (
        "-c",
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())",
    ),
    "tests": ("-m", "pytest", "-q", "--durations=10"),
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

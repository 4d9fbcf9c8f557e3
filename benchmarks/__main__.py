"""`python -m benchmarks`: how fast the project is, measured and written to `docs/speed.md`."""

from benchmarks.speed import main

if __name__ == "__main__":
    main()

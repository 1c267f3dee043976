"""Run every test: in parallel, one thread a process, and then the closing count.

Two processes with multi-threaded torch on two cores slow each other tenfold, so each
worker computes on one thread. Arguments are handed on to pytest.
"""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ONE_THREAD = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
}

# Only a whole run can reach the goal, so it is asked of a whole run only.
COVERAGE = ["--cov=course_lib", "--cov-report=term:skip-covered", "--cov-fail-under=95"]


def main() -> int:
    """Run pytest and return its exit status."""
    cores = len(os.sched_getaffinity(0))
    # One more than cores: browsers, servers and sandboxes keep a worker waiting.
    workers = str(min(cores, 3) + 1 if cores > 1 else 0)
    command = [sys.executable, "-m", "pytest", "-n", workers, "--dist", "loadgroup"]
    # Node may have come from PyPI into the environment; tests look for it on PATH.
    bin_folder = pathlib.Path(sys.executable).parent
    environment = {
        **os.environ,
        **ONE_THREAD,
        "PATH": f"{os.environ['PATH']}{os.pathsep}{bin_folder}",
    }
    return subprocess.run(
        [*command, *(sys.argv[1:] or COVERAGE)], cwd=ROOT, env=environment
    ).returncode


if __name__ == "__main__":
    sys.exit(main())

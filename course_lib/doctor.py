"""What to paste into a question: versions, device, threads, data, widget manager.

``python -m course_lib.doctor`` prints one line for each, with a verdict: *ok*, *note*
(works, but differs from what the course expects) or *problem*, with what to do. It
downloads nothing and changes nothing.

This file needs nothing but the standard library. Each check runs in a second process,
so that a package which is missing, broken, hangs or takes its process down is a line
of the report and not the end of it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

OK, NOTE, PROBLEM = "ok", "note", "problem"
VERDICTS = (OK, NOTE, PROBLEM)  # from good to bad
PYTHONS = ((3, 11), (3, 13))  # the oldest and the newest that is tested
PATIENCE = 180.0  # seconds for the checks that share a process


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, the verdict, and what to do."""

    what: str
    verdict: str
    found: str
    remedy: str = ""


class Need(NamedTuple):
    """A package of the course: its module, the oldest version, what fails without."""

    module: str
    oldest: str
    loss: str
    verdict: str = PROBLEM


NEEDS = {
    "torch": Need("torch", "2.9", "nothing of the course runs"),
    "torchvision": Need("torchvision", "0.24", "nothing can be downloaded", NOTE),
    "numpy": Need("numpy", "2.1", "tensors cannot be drawn"),
    "matplotlib": Need("matplotlib", "3.10", "figures are not drawn"),
    "jaxtyping": Need("jaxtyping", "0.3", "course_lib cannot be imported in full"),
    "ipython": Need("IPython", "7.34", "figures and explorers are not shown"),
    "ipywidgets": Need("ipywidgets", "7.7", "no explorer can be made"),
    "anywidget": Need("anywidget", "0.9", "no explorer can be made"),
}

# Which front ends belong to which ipywidgets: the manager for JupyterLab and Notebook
# 7, and the one for the classic Notebook, by the first number of their versions.
MANAGERS = {7: {"jupyterlab_widgets": 1, "widgetsnbextension": 3}}
MANAGERS[8] = {"jupyterlab_widgets": 3, "widgetsnbextension": 4}


# -- helpers ---------------------------------------------------------------------------


def version_tuple(text: str) -> tuple[int, ...]:
    """Give the numbers that a version starts with, enough to compare releases.

    Examples
    --------
    >>> version_tuple("2.14.1+cu128"), version_tuple("2.9.0rc1"), version_tuple("?")
    ((2, 14, 1), (2, 9, 0), ())
    """
    numbers = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()


def installed(name: str) -> str | None:
    """Give the version of an installed distribution; None when there is none."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _major(name: str) -> int | None:
    numbers = version_tuple(installed(name) or "")
    return numbers[0] if numbers else None


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1].strip() if lines else 'no message'}"


def _pip(*requirements: str, again: bool = False) -> str:
    wanted = " ".join(f'"{requirement}"' for requirement in requirements)
    return f"python -m pip install {'--force-reinstall ' if again else ''}{wanted}"


# -- checks: each returns one finding and may raise whatever it likes --------------


def check_python() -> Finding:
    """Look at the interpreter and the system."""
    found = f"{platform.python_version()} ({platform.python_implementation()})"
    found += f" on {platform.platform()}, {platform.machine()}"
    low, high = PYTHONS
    tested = f"{low[0]}.{low[1]} to {high[0]}.{high[1]}"
    if sys.version_info[:2] < low:
        return Finding("python", PROBLEM, found, f"the course needs Python {tested}")
    if sys.version_info[:2] > high:
        return Finding("python", NOTE, found, f"the course is tested with {tested}")
    return Finding("python", OK, found)


def check_course() -> Finding:
    """Look at which course_lib is imported, and from where."""
    import course_lib

    folder = Path(course_lib.__file__).parent
    version = installed("cnn-course")
    if version is None:
        return Finding("course", OK, f"not installed, but imported from {folder}")
    return Finding("course", OK, f"{version} in {folder}")


def check_package(name: str) -> Finding:
    """Import one package of :data:`NEEDS` and compare its version."""
    need = NEEDS[name]
    wanted = f"{name}>={need.oldest}"
    try:
        module = import_module(need.module)
    except Exception as error:
        known = installed(name)
        found = "is not installed" if known is None else f"{known} cannot be imported"
        if known is not None or not isinstance(error, ModuleNotFoundError):
            found += f" ({_last_line(error)})"
        remedy = _pip(wanted, again=known is not None)
        return Finding(name, need.verdict, f"{found}: {need.loss}", remedy)
    version = str(getattr(module, "__version__", None) or installed(name) or "?")
    if version_tuple(version) < version_tuple(need.oldest):
        found = f"{version} is older than {need.oldest}"
        return Finding(name, need.verdict, found, f"{_pip(wanted)}, then restart")
    recorded = installed(name)
    if recorded and version_tuple(recorded)[:3] != version_tuple(version)[:3]:
        found = f"{version} is imported, but {recorded} is what pip installed"
        return Finding(name, NOTE, found, "two copies? restart, else reinstall it")
    return Finding(name, OK, version)


def check_device() -> Finding:
    """Compute one convolution where ``try_gpu`` points."""
    import torch

    from course_lib.devices import try_gpu

    device = try_gpu()
    name = {"cpu": f"CPU ({platform.machine()})", "mps": "Apple's GPU (MPS)"}.get(
        device.type
    ) or torch.cuda.get_device_name(device)
    found = f"{device}: {name}"
    try:
        ones = torch.ones(1, 1, 3, 3, device=device)
        answer = torch.nn.functional.conv2d(ones, ones).item()
    except Exception as error:
        return Finding(
            "device",
            PROBLEM,
            f"{found} cannot compute ({_last_line(error)})",
            "this torch does not fit the GPU's driver: set CUDA_VISIBLE_DEVICES= "
            "(empty) to use the CPU, or install another build of torch",
        )
    if answer != 9.0:
        remedy = "do not trust its results: update the driver or torch"
        return Finding("device", PROBLEM, f"{found} gives {answer} for 9.0", remedy)
    if device.type == "cpu" and torch.version.cuda:
        return Finding("device", OK, f"{found}; CUDA {torch.version.cuda} finds no GPU")
    return Finding("device", OK, found)


def check_threads() -> Finding:
    """Compare torch's threads with the cores that the process may use."""
    import torch

    from course_lib.devices import cpu_quota

    threads, quota, cores = torch.get_num_threads(), cpu_quota(), os.cpu_count() or 1
    found = f"torch uses {threads}; {quota} of {cores} cores may be used"
    wish = os.environ.get("OMP_NUM_THREADS")
    if wish is not None:
        found += f"; OMP_NUM_THREADS={wish}"
    if threads > quota:
        remedy = "d2l.limit_threads() at the top of the notebook, else it is slow"
        return Finding("threads", NOTE, found, remedy)
    return Finding("threads", OK, found)


def check_data() -> Finding:
    """Find the full data set as the loader does, and verify it; download nothing."""
    from course_lib import data

    ways = {
        data.SYSTEM_FOLDER: "the system's folder",
        data.cache_folder(): "the course's cache",
    }
    try:
        named = data._explicit_folder(None)
    except FileNotFoundError as error:
        remedy = "correct FASHION_MNIST_DIR, or unset it to have other places tried"
        return Finding("data", PROBLEM, str(error), remedy)
    if named is not None:
        places, ways = [named], {named: "FASHION_MNIST_DIR"}
    else:
        places = [*data._torchvision_folders(), *ways]
    damaged = []
    for folder in places:
        if data._missing(folder):
            continue
        try:
            data._read_splits(folder, ("train", "test"))
        except (data.DataError, OSError) as error:
            damaged.append(str(error))
            continue
        way = ways.get(folder, "where torchvision keeps it")
        found = f"the full Fashion-MNIST, verified, in {folder} ({way})"
        if damaged:
            return Finding("data", NOTE, found, f"but before it: {' '.join(damaged)}")
        return Finding("data", OK, found)
    if named is not None:
        return Finding("data", PROBLEM, damaged[0], "replace or delete that file")
    remedy = (
        "on Debian or Ubuntu, sudo apt install dataset-fashion-mnist; else set "
        "FASHION_MNIST_DIR to a folder with the four files"
    )
    if damaged:
        return Finding("data", PROBLEM, " ".join(damaged), f"delete it; or {remedy}")
    if os.environ.get("FASHION_MNIST_OFFLINE", "0") not in ("", "0"):
        found = "only the bundled sample: FASHION_MNIST_OFFLINE forbids a download"
    else:
        found = (
            "only the bundled sample so far; the full data set is downloaded to "
            f"{data.cache_folder()} when it is first asked for"
        )
    return Finding("data", NOTE, found, remedy)


def check_sample() -> Finding:
    """Read the bundled sample and verify it."""
    from course_lib import data

    try:
        train, test = map(data.fashion_mnist_sample, ("train", "test"))
    except (data.DataError, OSError, AssertionError) as error:
        found = f"the bundled sample cannot be read ({_last_line(error)})"
        remedy = "python -m pip install --force-reinstall --no-deps cnn-course"
        return Finding("sample", PROBLEM, found, remedy)
    return Finding("sample", OK, f"{len(train):,} + {len(test):,} images, verified")


def check_explorer() -> Finding:
    """Make an explorer, without showing it."""
    from course_lib.widgets import KernelExplorer

    explorer = KernelExplorer()
    return Finding(
        "explorer", OK, f"KernelExplorer made, {len(explorer.controls)} controls"
    )


def notebook_host() -> str:
    """Name the program that runs us, as far as the environment tells."""
    if "google.colab" in sys.modules or _can_find("google.colab"):
        return "Google Colab"
    signs = {
        "KAGGLE_KERNEL_RUN_TYPE": "Kaggle",
        "BINDER_SERVICE_HOST": "Binder",
        "VSCODE_PID": "VS Code",
        "JUPYTERHUB_USER": "a JupyterHub",
        "JPY_PARENT_PID": "a Jupyter kernel",
    }
    named = (name for sign, name in signs.items() if os.environ.get(sign))
    return next(named, "a terminal")


def _can_find(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def check_manager() -> Finding:
    """Look whether the page's side of ipywidgets is here and is of the same family."""
    host, version = notebook_host(), installed("ipywidgets")
    if version is None:
        remedy = _pip("ipywidgets>=7.7")
        return Finding("widgets", PROBLEM, f"{host}, without ipywidgets", remedy)
    found = f"{host}, ipywidgets {version}"
    if host in ("Google Colab", "Kaggle", "VS Code"):
        return Finding("widgets", OK, f"{found}; {host} brings its own widget manager")
    family = MANAGERS.get(version_tuple(version)[0])
    if family is None:
        remedy = "the course is tested with ipywidgets 7.7 and 8"
        return Finding("widgets", NOTE, found, remedy)
    problems = [*_manager_problems(family), *_missing_front_ends()]
    parts = [*family, "jupyterlab", "notebook"]
    here = [f"{part} {installed(part)}" for part in parts if installed(part)]
    found = ", ".join([found, *here])
    if problems:
        packages = [f"{name}=={first}.*" for name, first in family.items()]
        remedy = f"{_pip(*packages)} anywidget, restart Jupyter, reload the page"
        return Finding("widgets", PROBLEM, f"{found}: {'; '.join(problems)}", remedy)
    if not installed("jupyterlab") and not installed("notebook"):
        remedy = (
            "if Jupyter runs from another environment, that one needs "
            f"jupyterlab_widgets {family['jupyterlab_widgets']}.x and anywidget"
        )
        return Finding("widgets", NOTE, f"{found}; no Jupyter in here", remedy)
    return Finding("widgets", OK, found)


def _manager_problems(family: dict[str, int]) -> list[str]:
    """Compare the two managers with what this family of ipywidgets talks to."""
    notebook = _major("notebook")
    asked = {
        "jupyterlab_widgets": installed("jupyterlab") or (notebook or 0) >= 7,
        "widgetsnbextension": notebook is not None and notebook < 7,
    }
    problems = []
    for name, first in family.items():
        here = _major(name)
        if here is None and asked[name]:
            problems.append(f"{name} is missing, so that no widget is drawn")
        elif here is not None and here != first:
            problems.append(f"{name} {installed(name)} is not of the family {first}.x")
    return problems


def _missing_front_ends() -> list[str]:
    """Name installed packages whose files for the page are gone."""
    ends = {
        "jupyterlab_widgets": "@jupyter-widgets/jupyterlab-manager/package.json",
        "anywidget": "labextensions/anywidget/package.json",
    }
    problems = []
    for name, end in ends.items():
        if installed(name) is None:
            continue
        files = importlib.metadata.files(name) or []
        pages = [file for file in files if file.as_posix().endswith(end)]
        if pages and not any(Path(str(file.locate())).exists() for file in pages):
            problems.append(f"the files of {name} for JupyterLab are gone")
    return problems


CHECKS: dict[str, Callable[[], Finding]] = {
    "python": check_python,
    "course": check_course,
    **{name: lambda name=name: check_package(name) for name in NEEDS},  # type: ignore
    "device": check_device,
    "threads": check_threads,
    "data": check_data,
    "sample": check_sample,
    "explorer": check_explorer,
    "widgets": check_manager,
}

# What a check cannot do without: when that is a problem, one line says it, not six.
RESTS_ON = {
    "device": ("torch",),
    "threads": ("torch",),
    "data": ("torch", "jaxtyping"),
    "sample": ("torch", "jaxtyping"),
    "explorer": ("torch", "ipywidgets", "anywidget"),
}


# -- the second process ----------------------------------------------------------------

_MARK = "\x1e"  # starts our lines, so that what a package prints is told apart


def work(names: Sequence[str]) -> None:
    """Run checks here and print each name, then its finding; the second process."""
    for name in names:
        print(f"\n{_MARK}{json.dumps(name)}", flush=True)
        try:
            finding = CHECKS[name]()
        except Exception as error:
            finding = Finding(
                name, PROBLEM, f"could not be checked ({_last_line(error)})"
            )
        print(f"\n{_MARK}{json.dumps(asdict(finding))}", flush=True)


def examine(names: Sequence[str] = tuple(CHECKS)) -> list[Finding]:
    """Run the checks and return a finding for each, whatever happens to them."""
    findings: dict[str, Finding] = {}
    pending = list(names)
    while pending:
        # Imports come first and alone: what rests on a broken one is then left out.
        group = [name for name in pending if name not in RESTS_ON]
        if not group:
            findings |= _left_out(pending, findings)
            group = [name for name in pending if name not in findings]
        for finding in _second_process(group) if group else ():
            findings[finding.what] = finding
        pending = [name for name in pending if name not in findings]
    return [findings[name] for name in names]


def _left_out(names: Sequence[str], findings: dict[str, Finding]) -> dict[str, Finding]:
    """Give a finding for each check that rests on a package with a problem."""
    broken = {name for name, finding in findings.items() if finding.verdict == PROBLEM}
    lost = {name: [p for p in RESTS_ON[name] if p in broken] for name in names}
    return {
        name: Finding(name, NOTE, f"not checked: it needs {' and '.join(packages)}")
        for name, packages in lost.items()
        if packages
    }


def _second_process(names: Sequence[str]) -> list[Finding]:
    """Run checks in a process of their own; the one that kills it has a finding, too.

    Checks that come after that one have none yet.
    """
    flags = ["-S"] if sys.flags.no_site else []
    code = "import sys; from course_lib.doctor import work; work(sys.argv[1:])"
    command = [sys.executable, *flags, "-W", "ignore", "-c", code, *names]
    here = str(Path(__file__).resolve().parents[1])  # this course_lib and no other
    paths = os.pathsep.join([here, *(p for p in sys.path if p and p != here)])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"}
    environment.pop("PYTHONWARNINGS", None)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        ending, output, errors = f"no answer in {PATIENCE:g} s", error.stdout, b""
    except OSError as error:
        ending, output, errors = f"no second process: {error}", b"", b""
    else:
        ending, output, errors = _ending(done.returncode), done.stdout, done.stderr
    started, findings = _read_lines(output or b"")
    if len(findings) < len(names):
        lost = started or names[len(findings)]
        said = errors.decode("utf-8", "replace").strip().splitlines()[-1:]
        text = "; ".join([ending, *said])
        remedy = "reinstall it" if lost in NEEDS else ""
        findings.append(Finding(lost, PROBLEM, f"ended its process ({text})", remedy))
    return findings


def _read_lines(output: bytes) -> tuple[str | None, list[Finding]]:
    """Read what ``work`` printed: the check that began and did not end; findings."""
    started, findings = None, []
    for line in output.decode("utf-8", "replace").split("\n"):
        if not line.startswith(_MARK):
            continue
        message: Any = json.loads(line[1:])
        if isinstance(message, str):
            started = message
        else:
            started = None
            findings.append(Finding(**message))
    return started, findings


def _ending(code: int) -> str:
    """Say how a process ended: an exit status, or the signal that stopped it."""
    try:
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"
    except ValueError:
        return f"signal {-code}"


# -- the report ------------------------------------------------------------------------


def worst(findings: Sequence[Finding]) -> str:
    """Give the worst verdict.

    Examples
    --------
    >>> worst([Finding("a", OK, "1.0"), Finding("b", NOTE, "old")])
    'note'
    """
    return max((f.verdict for f in findings), key=VERDICTS.index, default=OK)


def report(findings: Sequence[Finding]) -> str:
    """Lay the findings out as text, one line each and one more for what to do.

    Examples
    --------
    >>> print(report([Finding("torch", PROBLEM, "is not installed", "install it")]))
    torch        problem  is not installed
                          to do: install it
    <BLANKLINE>
    1 problem, 0 notes
    """
    lines = []
    for finding in findings:
        lines.append(f"{finding.what:<12} {finding.verdict:<8} {finding.found}")
        if finding.remedy:
            lines.append(f"{'':21} to do: {finding.remedy}")
    problems, notes = (
        sum(f.verdict == verdict for f in findings) for verdict in (PROBLEM, NOTE)
    )
    counts = (
        f"{n} {word}{'' if n == 1 else 's'}"
        for n, word in ((problems, "problem"), (notes, "note"))
    )
    return "\n".join([*lines, "", ", ".join(counts)])


def _without_home(text: str) -> str:
    """Shorten the home folder to ~: the report is for pasting where others read it."""
    home = str(Path.home())
    return text.replace(home + os.sep, f"~{os.sep}") if len(home) > 1 else text


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; return 1 if there is a problem, else 0."""
    parser = argparse.ArgumentParser(
        prog="python -m course_lib.doctor",
        description="Say what is here and whether the course can run with it.",
        epilog="exit codes: 0 no problem; 1 at least one problem; 2 wrong usage",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(arguments)
    findings = examine()
    if args.json:
        listed = [asdict(finding) for finding in findings]
        text = json.dumps({"verdict": worst(findings), "findings": listed}, indent=1)
    else:
        text = report(findings)
    print(_without_home(text))
    return int(worst(findings) == PROBLEM)


if __name__ == "__main__":
    sys.exit(main())

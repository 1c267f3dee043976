"""What runs on macOS and Windows, as far as imports tell: all but the sandbox."""

import ast
import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Modules that Windows lacks (the standard library's documentation lists them so).
POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios"}
POSIX_ONLY |= {"tty"}
# Names that modules lack there; a constant read while a module is imported fails.
MISSING_NAMES = {
    "os": """fork forkpty getuid geteuid getgid getegid getgroups setsid killpg getpgid
        setpgid mkfifo sched_getaffinity uname getloadavg chown O_NOFOLLOW O_DIRECTORY
        O_CLOEXEC WNOHANG wait3 wait4 pipe2 openpty""".split(),
    "signal": """SIGKILL SIGALRM SIGUSR1 SIGUSR2 SIGCHLD SIGSTOP SIGHUP setitimer alarm
        pthread_sigmask sigwait""".split(),
    "socket": ["AF_UNIX", "socketpair"],
}
# Inside the sandbox it is Linux: these may need it. Nothing else may.
SANDBOX = {f"autograder.{n}" for n in "sandbox seccomp cgroups host rehearsal".split()}

# First everything is imported as it is, so that packages of others, which know Windows
# in their own ways, are loaded; then ours once more in a world without those names.
WITHOUT_POSIX = """
import builtins, importlib, json, os, pkgutil, signal, socket, sys, warnings
warnings.simplefilter("ignore")
posix_only, missing_names = map(json.loads, sys.argv[1:])
import autograder, course_lib
ours = ["course_lib", "autograder"]
for package in (course_lib, autograder):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.startswith("autograder.checks"):
            ours.append(module.name)
            importlib.import_module(module.name)
for name in ours:
    sys.modules.pop(name, None)

real = builtins.__import__
def without(name, globals=None, *rest, **more):
    importer = (globals or {}).get("__name__", "").partition(".")[0]
    top = name.partition(".")[0]
    if importer in ("course_lib", "autograder") and top in posix_only:
        raise ModuleNotFoundError(f"No module named {name!r}")
    return real(name, globals, *rest, **more)

builtins.__import__ = without
for module, names in missing_names.items():
    for name in names:
        if hasattr(sys.modules[module], name):
            delattr(sys.modules[module], name)
sys.platform = "win32"
failed = {}
for name in ours:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = repr(error)
print(json.dumps([ours, failed]))
"""


@pytest.fixture(scope="module")
def simulation():
    """Names of all our modules, and the errors of those that failed."""
    done = subprocess.run(
        [
            *(sys.executable, "-c", WITHOUT_POSIX),
            json.dumps(sorted(POSIX_ONLY)),
            json.dumps(MISSING_NAMES),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_without_posix_every_module_but_the_sandboxs_is_imported(simulation):
    ours, failed = simulation
    assert {"course_lib.doctor", "course_lib.widgets.base", "autograder.report"} <= {
        *ours
    }
    assert {name: failed[name] for name in failed if name not in SANDBOX} == {}


def test_the_simulation_bites(simulation):
    # What starts inside the sandbox sets limits, and so cannot be imported there.
    assert simulation[1]["autograder.host"] == (
        "ModuleNotFoundError(\"No module named 'resource'\")"
    )


def imports(path):
    """Yield (module, whether a function has to run first) for all imports of a file."""

    def walk(node, inside):
        for child in ast.iter_child_nodes(node):
            deeper = inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            if isinstance(child, ast.Import):
                yield from ((alias.name, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                yield (child.module or "", inside)
            yield from walk(child, deeper)

    yield from walk(ast.parse(path.read_text("utf-8")), False)


FILES = [
    path
    for package in ("course_lib", "autograder")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "checks" not in path.parts
]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_module_imports_what_windows_lacks(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    found = [
        (name, inside)
        for name, inside in imports(path)
        if name.partition(".")[0] in POSIX_ONLY
    ]
    if module.startswith("course_lib"):
        assert found == []
    elif module not in SANDBOX:
        assert [name for name, inside in found if not inside] == []

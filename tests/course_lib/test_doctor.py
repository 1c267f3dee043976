"""The doctor says what is here, finds what is broken, and survives all of it."""

import json
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import tomllib

import pytest

from course_lib import data, doctor
from course_lib.doctor import NOTE, OK, PROBLEM, Finding

ROOT = pathlib.Path(__file__).parents[2]
LINE = re.compile(r"^(\w+) +(ok|note|problem) +(\S.*)$", re.MULTILINE)


def run(*arguments, path=(), **environment):
    """Type the command in a folder of nobody's, with folders of broken packages."""
    shown = {**os.environ, **environment, "OMP_NUM_THREADS": "1"}
    shown["PYTHONPATH"] = os.pathsep.join(map(str, [*path, ROOT]))
    return subprocess.run(
        [sys.executable, "-m", "course_lib.doctor", *arguments],
        env=shown,
        cwd=path[0] if path else None,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.fixture
def package(tmp_path):
    """Write a package that stands before the real one, and return its folder."""

    def write(name, code, version=None):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(textwrap.dedent(code))
        if version:
            record = tmp_path / f"{name}-{version}.dist-info" / "METADATA"
            record.parent.mkdir()
            record.write_text(
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            )
        return tmp_path

    return write


# -- the whole command -----------------------------------------------------------------


def test_it_prints_a_line_with_a_verdict_for_everything_and_ends_well_here():
    done = run()
    assert done.stderr == ""
    lines = {
        what: (verdict, found) for what, verdict, found in LINE.findall(done.stdout)
    }
    assert list(lines) == list(doctor.CHECKS)
    assert {verdict for verdict, _ in lines.values()} <= {OK, NOTE}
    assert done.returncode == 0
    import torch

    assert lines["torch"] == (OK, torch.__version__)
    assert sys.version.split()[0] in lines["python"][1]
    assert lines["threads"][1].startswith("torch uses 1; ")
    assert lines["sample"] == (OK, "5,000 + 1,000 images, verified")
    assert lines["explorer"] == (OK, "KernelExplorer made, 5 controls")
    assert done.stdout.endswith(" notes\n") or done.stdout.endswith(" note\n")


def test_packages_that_are_missing_broken_deadly_and_old_are_four_lines(
    package, tmp_path
):
    package(
        "torch", "import os, signal; print('torch speaks'); os.kill(os.getpid(), 9)"
    )
    package("ipywidgets", "raise ImportError('libc of another age')")
    package("anywidget", "raise SystemExit(7)")
    package("jaxtyping", "__version__ = '0.2.1'", version="0.2.1")
    (tmp_path / "sitecustomize.py").write_text(
        "import sys; sys.modules['matplotlib'] = None"
    )
    done = run("--json", path=[tmp_path])
    assert done.stderr == ""
    assert done.returncode == 1
    listed = json.loads(done.stdout)
    assert listed["verdict"] == PROBLEM
    found = {finding["what"]: Finding(**finding) for finding in listed["findings"]}
    assert list(found) == list(doctor.CHECKS)
    assert found["torch"].verdict == PROBLEM
    assert found["torch"].found == "ended its process (SIGKILL)"
    assert found["ipywidgets"].verdict == PROBLEM
    assert "cannot be imported (ImportError: libc of another age)" in (
        found["ipywidgets"].found
    )
    assert "--force-reinstall" in found["ipywidgets"].remedy
    assert found["anywidget"].found.startswith("ended its process (exit status 7")
    assert found["jaxtyping"].found == "0.2.1 is older than 0.3"
    assert 'pip install "jaxtyping>=0.3"' in found["jaxtyping"].remedy
    assert found["matplotlib"].verdict == PROBLEM
    assert found["numpy"].verdict == OK
    assert {found[name].verdict for name in doctor.RESTS_ON} == {NOTE}
    assert found["device"].found == "not checked: it needs torch"
    assert found["sample"].found == "not checked: it needs torch and jaxtyping"


def test_a_wrong_argument_is_wrong_usage():
    done = run("--xml")
    assert done.returncode == 2
    assert "unrecognized arguments: --xml" in done.stderr


# -- one check at a time ---------------------------------------------------------------


def test_the_oldest_versions_are_those_that_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = dict(requirement.split(">=") for requirement in project["dependencies"])
    assert {name: need.oldest for name, need in doctor.NEEDS.items()} == asked
    low, high = doctor.PYTHONS
    assert project["requires-python"] == (
        f">={low[0]}.{low[1]},<{high[0]}.{high[1] + 1}"
    )


def test_a_missing_package_says_how_to_install_it_and_what_fails_without(monkeypatch):
    monkeypatch.setitem(doctor.NEEDS, "ipython", doctor.Need("no_such", "7", "dark"))
    monkeypatch.setattr(doctor, "installed", lambda name: None)
    assert doctor.check_package("ipython") == Finding(
        "ipython",
        PROBLEM,
        "is not installed: dark",
        'python -m pip install "ipython>=7"',
    )


def test_two_copies_of_a_package_are_noted(monkeypatch):
    monkeypatch.setattr(doctor, "installed", lambda name: "99.0.0")
    finding = doctor.check_package("anywidget")
    assert finding.verdict == NOTE
    assert "but 99.0.0 is what pip installed" in finding.found


@pytest.mark.parametrize(
    ("version", "verdict"), [((3, 10), PROBLEM), ((3, 12), OK), ((3, 14), NOTE)]
)
def test_only_tested_pythons_are_ok(monkeypatch, version, verdict):
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    finding = doctor.check_python()
    assert finding.verdict == verdict
    assert ("3.11 to 3.13" in finding.remedy) == (verdict != OK)


def test_more_threads_than_cores_are_noted_with_the_cure(monkeypatch):
    import torch

    monkeypatch.setattr(torch, "get_num_threads", lambda: 96)
    monkeypatch.setattr("course_lib.devices.cpu_quota", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", "96")
    finding = doctor.check_threads()
    assert finding.verdict == NOTE
    assert finding.found.startswith("torch uses 96; 2 of ")
    assert finding.found.endswith("OMP_NUM_THREADS=96")
    assert "d2l.limit_threads()" in finding.remedy


def test_a_device_that_cannot_compute_is_a_problem(monkeypatch):
    import torch

    def fail(*args):
        raise RuntimeError("no kernel image is available")

    monkeypatch.setattr(torch.nn.functional, "conv2d", fail)
    finding = doctor.check_device()
    assert finding.verdict == PROBLEM
    assert "cannot compute (RuntimeError: no kernel image is available)" in (
        finding.found
    )


def test_a_device_that_computes_wrongly_is_a_problem(monkeypatch):
    import torch

    monkeypatch.setattr(torch.nn.functional, "conv2d", lambda x, k: torch.tensor(8.5))
    assert doctor.check_device().found.endswith("gives 8.5 for 9.0")


def test_the_device_here_computes():
    assert doctor.check_device().verdict == OK


# -- data ------------------------------------------------------------------------------


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No place that the loader looks at has anything; a download is an error."""
    for name in ("FASHION_MNIST_DIR", "FASHION_MNIST_OFFLINE", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FASHION_MNIST_CACHE", str(tmp_path / "course"))
    monkeypatch.setattr(data, "SYSTEM_FOLDER", tmp_path / "system")

    def refuse():
        raise AssertionError("the doctor downloads nothing")

    monkeypatch.setattr(data, "_download", refuse)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def fill(folder):
    """Put four files there that are not what they should be."""
    folder.mkdir(parents=True)
    for name in data.CHECKSUMS:
        (folder / name).write_bytes(b"<html>sign in</html>")
    return folder


def test_without_data_it_says_where_a_download_would_go(nowhere):
    finding = doctor.check_data()
    assert finding.verdict == NOTE
    assert "only the bundled sample so far" in finding.found
    assert str(nowhere / "course") in finding.found
    assert "dataset-fashion-mnist" in finding.remedy


def test_offline_it_says_that_the_sample_stays(nowhere, monkeypatch):
    monkeypatch.setenv("FASHION_MNIST_OFFLINE", "1")
    assert "FASHION_MNIST_OFFLINE forbids" in doctor.check_data().found


def test_a_named_folder_that_is_not_there_is_a_problem(nowhere, monkeypatch):
    monkeypatch.setenv("FASHION_MNIST_DIR", str(nowhere / "typo"))
    finding = doctor.check_data()
    assert finding.verdict == PROBLEM
    assert "typo' is not a folder" in finding.found
    assert "FASHION_MNIST_DIR" in finding.remedy


@pytest.mark.parametrize("named", [True, False])
def test_a_damaged_folder_is_a_problem_that_names_the_file(nowhere, monkeypatch, named):
    folder = fill(nowhere / ("mine" if named else "course"))
    if named:
        monkeypatch.setenv("FASHION_MNIST_DIR", str(folder))
    finding = doctor.check_data()
    assert finding.verdict == PROBLEM
    assert f"{folder / 'train-images-idx3-ubyte'} holds a web page" in finding.found
    assert "elete" in finding.remedy


@pytest.mark.dataset
@pytest.mark.parametrize(
    ("way", "place"),
    [
        ("FASHION_MNIST_DIR", "named"),
        ("where torchvision keeps it", "home/data/FashionMNIST/raw"),
        ("the system's folder", "system"),
        ("the course's cache", "course"),
    ],
)
def test_good_data_are_found_in_each_of_the_loaders_places(
    nowhere, monkeypatch, way, place
):
    real = pathlib.Path(
        os.environ.get("FASHION_MNIST_DIR", "/usr/share/datasets/fashion-mnist")
    )
    (nowhere / place).parent.mkdir(parents=True, exist_ok=True)
    (nowhere / place).symlink_to(real)
    if way == "FASHION_MNIST_DIR":
        monkeypatch.setenv("FASHION_MNIST_DIR", str(nowhere / place))
    else:
        fill(nowhere / "here/data/FashionMNIST/raw")  # the place that is tried first
    finding = doctor.check_data()
    assert finding.found == (
        f"the full Fashion-MNIST, verified, in {nowhere / place} ({way})"
    )
    if way == "FASHION_MNIST_DIR":
        assert finding.verdict == OK
    else:
        assert finding.verdict == NOTE
        assert "holds a web page" in finding.remedy


def test_a_corrupt_sample_is_a_problem(monkeypatch, tmp_path):
    for file in data.SAMPLE_FOLDER.glob("*.gz"):
        (tmp_path / file.name).write_bytes(file.read_bytes()[:-100])
    monkeypatch.setattr(data, "SAMPLE_FOLDER", tmp_path)
    finding = doctor.check_sample()
    assert finding.verdict == PROBLEM
    assert "is cut short" in finding.found
    assert "--force-reinstall" in finding.remedy


# -- widgets ---------------------------------------------------------------------------

LAB = {
    "ipywidgets": "8.1.9",
    "jupyterlab_widgets": "3.0.17",
    "widgetsnbextension": "4.0.16",
    "jupyterlab": "4.6.6",
    "notebook": "7.6.5",
}
OLD = {
    "ipywidgets": "7.7.1",
    "jupyterlab_widgets": "1.1.11",
    "widgetsnbextension": "3.6.10",
    "notebook": "6.5.7",
}
SIGNS = ["KAGGLE_KERNEL_RUN_TYPE", "BINDER_SERVICE_HOST", "VSCODE_PID"]
SIGNS += ["JUPYTERHUB_USER", "JPY_PARENT_PID"]


@pytest.fixture
def packages(monkeypatch):
    """Let these packages, and no others, seem to be installed."""
    for sign in SIGNS:
        monkeypatch.delenv(sign, raising=False)

    def set_packages(versions, gone=()):
        versions = {name: v for name, v in versions.items() if name not in gone}
        monkeypatch.setattr(doctor, "installed", versions.get)

    return set_packages


@pytest.mark.parametrize("versions", [LAB, OLD])
def test_managers_of_one_family_are_ok(packages, versions):
    packages(versions)
    finding = doctor.check_manager()
    assert (finding.verdict, finding.remedy) == (OK, "")
    for name, version in versions.items():
        assert f"{name} {version}" in finding.found


@pytest.mark.parametrize(
    ("versions", "gone", "text", "remedy"),
    [
        (LAB, ["jupyterlab_widgets"], "jupyterlab_widgets is missing", "widgets==3.*"),
        (OLD, ["widgetsnbextension"], "widgetsnbextension is missing", "sion==3.*"),
        (
            {**LAB, "jupyterlab_widgets": "1.1.11"},
            [],
            "jupyterlab_widgets 1.1.11 is not of the family 3.x",
            "widgets==3.*",
        ),
        (
            {**LAB, "ipywidgets": "7.8.5"},
            [],
            "jupyterlab_widgets 3.0.17 is not of the family 1.x",
            "widgets==1.*",
        ),
    ],
)
def test_a_manager_that_is_missing_or_of_another_family_is_a_problem(
    packages, versions, gone, text, remedy
):
    packages(versions, gone)
    finding = doctor.check_manager()
    assert finding.verdict == PROBLEM
    assert text in finding.found
    assert remedy in finding.remedy


def test_a_kernel_without_jupyter_beside_it_is_noted(packages):
    packages(LAB, gone=["jupyterlab", "notebook"])
    finding = doctor.check_manager()
    assert finding.verdict == NOTE
    assert "that one needs jupyterlab_widgets 3.x and anywidget" in finding.remedy


def test_without_ipywidgets_there_is_no_manager_to_look_for(packages):
    packages({})
    assert doctor.check_manager().verdict == PROBLEM


def test_an_unknown_generation_of_ipywidgets_is_noted(packages):
    packages({**LAB, "ipywidgets": "9.0.0"})
    assert doctor.check_manager().verdict == NOTE


def test_front_end_files_that_are_gone_are_a_problem(packages, monkeypatch):
    packages(LAB)

    class Gone:
        def as_posix(self):
            return (
                "share/labextensions/@jupyter-widgets/jupyterlab-manager/package.json"
            )

        def locate(self):
            return "/nowhere/at/all"

    monkeypatch.setattr(doctor.importlib.metadata, "files", lambda name: [Gone()])
    finding = doctor.check_manager()
    assert finding.verdict == PROBLEM
    assert "the files of jupyterlab_widgets for JupyterLab are gone" in finding.found


@pytest.mark.parametrize(
    ("sign", "host"),
    [
        ("KAGGLE_KERNEL_RUN_TYPE", "Kaggle"),
        ("BINDER_SERVICE_HOST", "Binder"),
        ("VSCODE_PID", "VS Code"),
        ("JUPYTERHUB_USER", "a JupyterHub"),
        ("JPY_PARENT_PID", "a Jupyter kernel"),
    ],
)
def test_the_host_is_read_off_the_environment(packages, monkeypatch, sign, host):
    packages(LAB)
    assert doctor.notebook_host() == "a terminal"
    monkeypatch.setenv(sign, "x")
    assert doctor.notebook_host() == host
    assert doctor.check_manager().found.startswith(f"{host}, ipywidgets 8.1.9")


def test_colab_is_known_by_its_module_and_brings_its_manager(packages, monkeypatch):
    packages({"ipywidgets": "7.7.1"})
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    finding = doctor.check_manager()
    assert finding.verdict == OK
    assert "Google Colab brings its own widget manager" in finding.found


# -- the second process ----------------------------------------------------------------


def test_a_check_that_hangs_is_a_line_and_the_rest_goes_on(monkeypatch, package):
    folder = package("jaxtyping", "import time; time.sleep(600)")
    monkeypatch.setattr(doctor, "PATIENCE", 6.0)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    findings = doctor.examine(["python", "jaxtyping", "course"])
    assert [f.what for f in findings] == ["python", "jaxtyping", "course"]
    assert [f.verdict for f in findings] == [OK, PROBLEM, OK]
    assert findings[1].found == "ended its process (no answer in 6 s)"


def test_without_a_second_process_there_is_still_a_report(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    findings = doctor.examine(["python", "course"])
    assert [f.verdict for f in findings] == [PROBLEM, PROBLEM]
    assert "no second process" in findings[0].found


def test_a_check_of_ours_that_fails_is_a_line_too(monkeypatch, capsys):
    def fail():
        raise ZeroDivisionError("one\ntwo")

    monkeypatch.setitem(doctor.CHECKS, "device", fail)
    doctor.work(["device"])
    _, (finding,) = doctor._read_lines(capsys.readouterr().out.encode())
    assert finding == Finding(
        "device", PROBLEM, "could not be checked (ZeroDivisionError: two)"
    )


def test_the_home_folder_is_not_printed(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    lines = [Finding("data", OK, f"in {tmp_path / 'data'}")]
    monkeypatch.setattr(doctor, "examine", lambda: lines)
    assert doctor.main([]) == 0
    assert f"in ~{os.sep}data" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("verdicts", "code"), [([], 0), ([OK, NOTE], 0), ([NOTE, PROBLEM, OK], 1)]
)
def test_the_exit_code_is_one_only_for_a_problem(monkeypatch, verdicts, code, capsys):
    lines = [Finding("x", verdict, "") for verdict in verdicts]
    monkeypatch.setattr(doctor, "examine", lambda: lines)
    assert doctor.main([]) == code
    assert doctor.main(["--json"]) == code

"""Parts of a class, and the scripts by which batch systems and clusters grade them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from autograder import course as courses
from autograder.__main__ import main, parser
from autograder.course import RESULT, Course, Graded
from autograder.pool import grade_all, others, shard

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PAGE = ROOT / "book" / "instructors" / "scale.md"
SCRIPTS = sorted((EXAMPLES / "slurm").glob("*.sh"))
JOB, POLICY = yaml.safe_load_all((EXAMPLES / "kubernetes" / "grade.yaml").read_text())
POD = JOB["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
WRONG = {"double": "def double(X):\n    return X"}


# --- parts ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30])
def test_every_student_is_in_exactly_one_part(count):
    class_ = [f"student-{i}" for i in range(23)]
    parts = [shard(class_, i, count) for i in range(1, count + 1)]
    assert sorted(s for part in parts for s in part) == sorted(class_)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert parts == [shard(class_[::-1], i, count) for i in range(1, count + 1)]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30])
def test_a_part_and_the_others_are_the_class_and_helpers_begin_apart(count):
    class_ = [f"student-{i}" for i in range(23)]
    rests = [others(class_, i, count) for i in range(1, count + 1)]
    for number, rest in enumerate(rests, 1):
        assert sorted(shard(class_, number, count) + rest) == sorted(class_)
        assert rest == others(class_[::-1], number, count)
    assert len({tuple(rest) for rest in rests}) == count


def by_name(course):
    return {p.parts[-3:]: p.read_bytes() for p in course.rglob(RESULT)}


@pytest.mark.sandbox
def test_parts_leave_the_gradebook_alone_and_a_last_run_records_all(
    course, submit, capsys
):
    """Three parts anew, the second twice, the third never: the last run grades it."""
    for i in range(5):
        submit(course, f"s{i}", WRONG if i % 2 else {})
    twin = shutil.copytree(course, course.with_name("twin"))
    words = ["grade", "tiny", "--course", str(course), "--jobs", "2"]
    before = (course / "gradebook.db").read_bytes()
    for part in ("1/3", "2/3", "2/3"):
        assert main([*words, "--force", "--shard", part]) == 0
        said = capsys.readouterr()
        assert f"part {part[0]} of 3, 2 graded; nothing is recorded yet" in said.err
        assert "python -m autograder grade tiny" in said.err
    assert (course / "gradebook.db").read_bytes() == before
    assert not (course / "autograded").exists()
    assert {student for student, *_ in by_name(course)} == {"s0", "s1", "s3", "s4"}
    done = by_name(course)
    assert main(words) == 0
    assert capsys.readouterr().out.count("5 / 5") == 3
    assert (course / "autograded" / "s2" / "tiny").is_dir()
    grade_all(Course(twin), "tiny", jobs=2)
    assert by_name(course) == by_name(twin)
    assert done.items() <= by_name(course).items()


@pytest.mark.sandbox
def test_a_part_that_is_done_helps_with_what_is_left(course, submit, capsys):
    """The second part finds one of its own done, and so is all but the first's."""
    for i in range(5):
        submit(course, f"s{i}", WRONG if i % 2 else {})
    words = ["grade", "tiny", "--course", str(course), "--jobs", "2"]
    grade_all(Course(course), "tiny", students=["s1", "s2"])
    early = {path: path.stat().st_mtime_ns for path in course.rglob(RESULT)}
    assert len(early) == 2
    assert main([*words, "--shard", "2/2"]) == 0
    said = capsys.readouterr()
    assert "part 2 of 2, 2 graded" in said.err
    assert [line.split()[0] for line in said.out.splitlines()] == ["s1", "s3"]
    assert {student for student, *_ in by_name(course)} == {f"s{i}" for i in range(5)}
    assert (
        early.items() <= {p: p.stat().st_mtime_ns for p in course.rglob(RESULT)}.items()
    )
    assert not (course / "autograded").exists()


def test_a_part_without_students_is_done_at_once(course, submit, capsys):
    submit(course, "ada")
    words = ["grade", "tiny", "--course", str(course), "--force", "--shard", "2/2"]
    assert main(words) == 0
    assert "part 2 of 2, 0 graded" in capsys.readouterr().err


WRONG_WORDS = [
    (["--shard", "0/2"], "'0/2' is no part of a class: 1/8, 2/8"),
    (["--shard", "3/2"], "'3/2' is no part of a class"),
    (["--shard", "2"], "'2' is no part of a class"),
    (["--shard", "-1/2"], "expected one argument"),
    (["--shard", "1/2/3"], "is no part of a class"),
    (["--jobs", "0"], "'0' is no number from 1 on"),
    (["--scheduler", "here:8786"], "'here:8786' is no scheduler's address"),
    (["--scheduler", "tcp://a:1", "--jobs", "2"], "not allowed with argument"),
]


@pytest.mark.parametrize(("words", "message"), WRONG_WORDS, ids=lambda w: str(w)[:40])
def test_wrong_words_are_explained(words, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["grade", "tiny", *words])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_part_is_of_the_whole_class(course, submit, capsys):
    submit(course, "ada")
    words = ["grade", "tiny", "--course", str(course)]
    assert main([*words, "--shard", "1/2", "--student", "ada"]) == 2
    assert "--shard divides the whole class" in capsys.readouterr().err


# --- many writers, large classes ------------------------------------------------------


def test_two_that_write_one_result_at_once_do_no_harm(course, submit):
    submit(course, "ada")
    place, errors = Course(course), []

    def write():
        try:
            for _ in range(15):
                place.write_failure("tiny", "ada", "by one of many")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert place.find("tiny", "ada").reason == "by one of many"
    folder = course / ".autograder" / "results" / "tiny"
    assert len(list((folder / "ada").iterdir())) == 1
    assert [p.name for p in folder.iterdir()] == ["ada"]


def test_another_error_of_the_disk_is_not_tried_again(tmp_path):
    with pytest.raises(FileNotFoundError):
        courses._put(tmp_path / "nothing", tmp_path / "a" / "b" / "c")


def test_results_are_read_when_they_are_asked_for(course, submit):
    """A class of any size takes the memory of its names and keys."""
    place, keys = Course(course), {}
    for name in ("ada", "ben", "cleo"):
        submit(course, name)
        keys[name] = place.write_failure("tiny", name, f"of {name}")
    results = Graded(place, "tiny", keys)
    assert (len(results), results[1].reason) == (3, "of ben")
    assert [r.student for r in results[1:]] == ["ben", "cleo"]
    assert [r.reason for r in results] == [f"of {name}" for name in keys]
    assert results[0] is not results[0]


# --- Slurm ----------------------------------------------------------------------------


def commands(text):
    """The command lines of ours in a script: variables replaced, lines joined."""
    for name, value in {
        '"$((JOB_COMPLETION_INDEX + 1))/8"': "1/8",
        "$SLURM_ARRAY_TASK_ID": "3",
        "$SLURM_ARRAY_TASK_COUNT": "8",
        "$SLURM_CPUS_PER_TASK": "4",
        '"$name"': "corr2d",
        '"$course"': "/course",
    }.items():
        text = text.replace(name, value)
    lines = text.replace("\\\n", " ").splitlines()
    found = (re.search(r"python -m autograder (.*)", line) for line in lines)
    return [shlex.split(match.group(1)) for match in found if match]


def test_there_are_scripts_and_the_page_shows_them():
    assert [path.stem for path in SCRIPTS] == ["grade", "record"]
    shown = re.findall(r"\{literalinclude\} (\S+)", PAGE.read_text())
    files = {(PAGE.parent / path).resolve() for path in shown}
    assert files == {*SCRIPTS, EXAMPLES / "kubernetes" / "grade.yaml"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_sound_bash_and_our_parser_takes_its_commands(script):
    subprocess.run(["bash", "-n", script], check=True)
    assert os.access(script, os.X_OK)
    text = script.read_text()
    parsed = [parser().parse_args(words) for words in commands(text)]
    last = parsed[-1]
    assert (last.name, str(last.course), last.jobs) == ("corr2d", "/course", 4)
    assert last.shard == ((3, 8) if script.stem == "grade" else None)
    assert "set -euo pipefail" in text


def test_a_script_says_what_it_needs(tmp_path):
    done = subprocess.run(
        ["bash", EXAMPLES / "slurm" / "grade.sh"], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "which assignment?" in done.stderr


@pytest.mark.sandbox
def test_an_array_grades_the_class(course, submit, tmp_path):
    """The script as it is, with Slurm's variables and an environment to activate."""
    for name in ("ada", "ben", "cleo"):
        submit(course, name)
    fake = tmp_path / "environment" / "bin"
    fake.mkdir(parents=True)
    (fake / "activate").write_text(f'PATH="{Path(sys.executable).parent}:$PATH"\n')
    for task in ("1", "2"):
        subprocess.run(
            ["bash", EXAMPLES / "slurm" / "grade.sh", "tiny", course],
            check=True,
            env={
                **os.environ,
                "COURSE_ENVIRONMENT": str(fake.parent),
                "SLURM_ARRAY_TASK_ID": task,
                "SLURM_ARRAY_TASK_COUNT": "2",
                "SLURM_CPUS_PER_TASK": "1",
            },
            capture_output=True,
        )
    assert {student for student, *_ in by_name(course)} == {"ada", "ben", "cleo"}


# --- Kubernetes -----------------------------------------------------------------------


def test_the_job_gives_every_pod_its_part():
    spec = JOB["spec"]
    assert (JOB["kind"], spec["completionMode"]) == ("Job", "Indexed")
    (line,) = CONTAINER["args"]
    (words,) = commands(line)
    args = parser().parse_args(words)
    assert args.shard == (1, spec["completions"])
    assert "$((JOB_COMPLETION_INDEX + 1))" in line  # it counts from 0
    assert args.jobs == int(CONTAINER["resources"]["limits"]["cpu"])
    mounts = [mount["mountPath"] for mount in CONTAINER["volumeMounts"]]
    assert str(args.course) in mounts
    assert POD["restartPolicy"] == "Never"


def test_the_shell_counts_parts_from_one():
    (line,) = CONTAINER["args"]
    part = re.search(r'--shard ("\S+.*?/8")', line).group(1)
    for index in ("0", "7"):
        done = subprocess.run(
            ["/bin/sh", "-c", f"echo {part}"],
            env={"JOB_COMPLETION_INDEX": index},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"{int(index) + 1}/8\n"


def test_a_pod_may_what_bubblewrap_needs_and_nothing_more():
    rights, pod = CONTAINER["securityContext"], POD["securityContext"]
    assert pod["seccompProfile"] == pod["appArmorProfile"] == {"type": "Unconfined"}
    assert rights["procMount"] == "Unmasked"
    assert POD["hostUsers"] is False
    assert (pod["runAsNonRoot"], pod["runAsUser"] > 0) == (True, True)
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert rights["privileged"] is rights["allowPrivilegeEscalation"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & POD.keys()
    assert POD["automountServiceAccountToken"] is False
    assert not any("hostPath" in volume for volume in POD["volumes"])


def test_pods_have_no_network():
    assert POLICY["kind"] == "NetworkPolicy"
    assert POLICY["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & POLICY["spec"].keys()
    labels = JOB["spec"]["template"]["metadata"]["labels"]
    assert POLICY["spec"]["podSelector"]["matchLabels"].items() <= labels.items()


@pytest.mark.sandbox
@pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("setpriv"), reason="to give up rights"
)
def test_those_rights_are_enough_for_the_sandbox(tmp_path):
    """An ordinary user without capabilities who cannot gain any."""
    less = ["setpriv", "--no-new-privs", "--bounding-set=-all"]
    doctor = [sys.executable, "-m", "autograder", "doctor"]
    script = Path(__file__).with_name("as_user.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path, *less, *doctor],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ namespaces, mounts and limits (one trial run)" in done.stdout


# --- the page -------------------------------------------------------------------------


def test_our_parser_takes_every_command_of_the_page():
    text = re.sub(r"^[a-z]*\$ ", "", PAGE.read_text(), flags=re.M)
    lines = [line for line in text.splitlines() if line.startswith("python -m autogr")]
    found = [parser().parse_args(words) for words in commands("\n".join(lines))]
    assert {bool(args.scheduler) for args in found if "scheduler" in args} == {
        True,
        False,
    }


def test_every_file_of_tests_that_the_page_names_is_there():
    named = re.findall(r"`(test_\w+\.py)`", PAGE.read_text())
    assert named
    assert all(Path(__file__).with_name(name).is_file() for name in named)

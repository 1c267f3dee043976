"""Where tensors go, and how many threads a container may use."""

import os
import subprocess
import sys

import pytest
import torch

from course_lib import devices
from course_lib.devices import cpu_quota, limit_threads, try_all_gpus, try_gpu

checked = pytest.mark.usefixtures("as_readers_see_it")


@pytest.fixture
def machine(monkeypatch):
    """Pretend to be a machine with this many CUDA GPUs, perhaps with Apple's."""

    def pretend(cuda, mps):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "i", "device"),
    [
        (0, False, 0, "cpu"),
        (0, False, 3, "cpu"),
        (1, False, 0, "cuda:0"),
        (1, False, 1, "cpu"),
        (2, False, 1, "cuda:1"),
        (0, True, 0, "mps"),
        (0, True, 1, "cpu"),
        (1, True, 0, "cuda:0"),
        (1, True, 1, "cpu"),
    ],
)
def test_try_gpu_prefers_cuda_then_apples_gpu_then_the_cpu(
    machine, cuda, mps, i, device
):
    machine(cuda, mps)
    assert try_gpu(i) == torch.device(device)
    if i == 0:
        assert try_gpu() == torch.device(device)


@pytest.mark.parametrize(
    ("cuda", "mps", "found"),
    [
        (0, False, ["cpu"]),
        (0, True, ["mps"]),
        (1, False, ["cuda:0"]),
        (3, True, ["cuda:0", "cuda:1", "cuda:2"]),
    ],
)
def test_try_all_gpus_is_never_empty(machine, cuda, mps, found):
    machine(cuda, mps)
    assert try_all_gpus() == [torch.device(name) for name in found]


@checked
def test_a_negative_gpu_is_refused():
    with pytest.raises(ValueError, match=r"^try_gpu counts GPUs from 0; got i=-1$"):
        try_gpu(-1)


# Quotas: what the files under proc and sys say, and the cores that follow

V2 = "0::/\n"
V1 = "4:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n"
QUOTAS = {
    "version 2, two cores": ({"cgroup": V2, "cpu.max": "200000 100000\n"}, 2),
    "version 2, one and a half": ({"cgroup": V2, "cpu.max": "150000 100000\n"}, 2),
    "version 2, a fifth": ({"cgroup": V2, "cpu.max": "20000 100000\n"}, 1),
    "version 2, no limit": ({"cgroup": V2, "cpu.max": "max 100000\n"}, 8),
    "version 2, more than there is": ({"cgroup": V2, "cpu.max": "9900000 100000"}, 8),
    "version 2, no file": ({"cgroup": V2}, 8),
    "version 2, an empty file": ({"cgroup": V2, "cpu.max": ""}, 8),
    "version 2, no period": ({"cgroup": V2, "cpu.max": "200000"}, 8),
    "version 2, nonsense": ({"cgroup": V2, "cpu.max": "0 0"}, 8),
    "version 2, the parent's limit is lower": (
        {
            "cgroup": "0::/user.slice/job\n",
            "user.slice/cpu.max": "300000 100000\n",
            "user.slice/job/cpu.max": "500000 100000\n",
        },
        3,
    ),
    "version 2, the job's limit is lower": (
        {
            "cgroup": "0::/user.slice/job\n",
            "user.slice/cpu.max": "max 100000\n",
            "user.slice/job/cpu.max": "400000 100000\n",
        },
        4,
    ),
    "version 2, the host's path does not exist here": (
        {"cgroup": "0::/kubepods/pod1/c2\n", "cpu.max": "200000 100000\n"},
        2,
    ),
    "version 2, another group's limit is not ours": (
        {"cgroup": "0::/job1\n", "job2/cpu.max": "100000 100000\n"},
        8,
    ),
    "version 1, at the mount": (
        {
            "cgroup": V1,
            "cpu/cpu.cfs_quota_us": "250000\n",
            "cpu/cpu.cfs_period_us": "100000\n",
        },
        3,
    ),
    "version 1, the long mount name": (
        {
            "cgroup": V1,
            "cpu,cpuacct/cpu.cfs_quota_us": "100000\n",
            "cpu,cpuacct/cpu.cfs_period_us": "50000\n",
        },
        2,
    ),
    "version 1, in its own folder": (
        {
            "cgroup": V1,
            "cpu/docker/abc/cpu.cfs_quota_us": "600000\n",
            "cpu/docker/abc/cpu.cfs_period_us": "100000\n",
        },
        6,
    ),
    "version 1, no limit": (
        {
            "cgroup": V1,
            "cpu/cpu.cfs_quota_us": "-1\n",
            "cpu/cpu.cfs_period_us": "100000\n",
        },
        8,
    ),
    "version 1, cpuset is another controller": (
        {
            "cgroup": "5:cpuset:/\n",
            "cpu/cpu.cfs_quota_us": "100000\n",
            "cpu/cpu.cfs_period_us": "100000\n",
        },
        8,
    ),
    "both versions at once": (
        {
            "cgroup": V1 + V2,
            "cpu/cpu.cfs_quota_us": "300000\n",
            "cpu/cpu.cfs_period_us": "100000\n",
            "cpu.max": "max 100000\n",
        },
        3,
    ),
    "not Linux": ({}, 8),
    "a line that is no control group": ({"cgroup": "what\n"}, 8),
}


def write(root, files):
    for name, content in files.items():
        file = root / ("proc/self" if name == "cgroup" else "sys/fs/cgroup") / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


@pytest.fixture
def eight_cores(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.parametrize("case", QUOTAS)
@pytest.mark.usefixtures("eight_cores")
def test_the_quota_of_a_container_is_what_its_files_say(tmp_path, case):
    files, cores = QUOTAS[case]
    write(tmp_path, files)
    assert cpu_quota(tmp_path) == cores
    assert cpu_quota(str(tmp_path)) == cores


@pytest.mark.usefixtures("eight_cores")
def test_a_process_pinned_to_some_cores_has_only_those(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5, 6}, raising=False)
    assert cpu_quota(tmp_path) == 3


@pytest.mark.usefixtures("eight_cores")
def test_systems_without_pinning_have_all_their_cores(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert cpu_quota(tmp_path) == 8
    monkeypatch.setattr(os, "cpu_count", lambda: None)  # unknown, the documented case
    assert cpu_quota(tmp_path) == 1


@pytest.mark.usefixtures("eight_cores")
def test_files_that_cannot_be_read_give_no_limit(tmp_path):
    write(tmp_path, {"cgroup": V2})
    (tmp_path / "sys/fs/cgroup/cpu.max").mkdir(parents=True)  # not a file
    assert cpu_quota(tmp_path) == 8


def test_this_machine_has_a_quota():
    assert 1 <= cpu_quota() <= os.cpu_count()


@pytest.fixture
def threads(monkeypatch):
    """Catch the number of threads instead of setting it for the whole test run."""
    given = []
    monkeypatch.setattr(devices.torch, "set_num_threads", given.append)
    return given


@pytest.mark.parametrize(
    ("n", "omp", "expected"),
    [
        (None, None, 3),
        (1, None, 1),
        (3, None, 3),
        (16, None, 3),
        (None, "2", 2),
        (3, "2", 2),
        (1, "2", 1),
        (None, "64", 3),
        (None, "2,1", 2),  # OpenMP's list: the first number is the outer level's
        (None, "0", 1),
        (None, "many", 3),
    ],
)
@pytest.mark.usefixtures("eight_cores")
def test_limit_threads_never_exceeds_what_is_allowed(
    tmp_path, monkeypatch, threads, n, omp, expected
):
    write(tmp_path, {"cgroup": V2, "cpu.max": "250000 100000\n"})
    if omp is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", omp)
    assert limit_threads(n, root=tmp_path) == expected
    assert threads == [expected]


@checked
def test_no_thread_at_all_is_refused(threads):
    with pytest.raises(ValueError, match=r"^torch needs at least one thread; got n=0$"):
        limit_threads(0)
    assert threads == []


def test_torch_really_uses_the_number_that_limit_threads_gives():
    code = (
        "import torch; from course_lib import limit_threads\n"
        "torch.set_num_threads(7); assert limit_threads() == torch.get_num_threads()\n"
        "assert limit_threads(1) == torch.get_num_threads() == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_module_imports_where_posix_is_missing():
    code = (
        "import sys; import torch\n"
        "for name in ('posix', 'resource', 'fcntl', 'pwd', 'grp'):\n"
        "    sys.modules[name] = None\n"
        "import course_lib.devices"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)

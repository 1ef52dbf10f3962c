"""The memory limit of a process, read from folders that look as the kernel makes them."""

import pytest

from farshot.executors.memory_limits import fair_memory, memory_limit

V2 = "sys/fs/cgroup"
V1 = "sys/fs/cgroup/memory"
UNLIMITED_V1 = "9223372036854771712"
HYBRID = "9:name=systemd:/\n4:cpu,memory:/slurm/job_7/step_0\n0::/\n"


def lay_out(root, groups, limits):
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, limit in limits.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{limit}\n")


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("0::/a/b\n", {f"{V2}/a/b/memory.max": 2**30, f"{V2}/a/memory.max": "max"}, 2**30),
        ("0::/a/b\n", {f"{V2}/a/b/memory.max": "max", f"{V2}/a/memory.max": 2**31}, 2**31),
        ("0::/a/b\n", {f"{V2}/a/b/memory.max": 2**32, f"{V2}/a/memory.max": 2**31}, 2**31),
        ("0::/\n", {f"{V2}/memory.max": 2**29}, 2**29),
        ("0::/a:b c\n", {f"{V2}/a:b c/memory.max": 2**29}, 2**29),
        ("0::/../outside\n", {f"{V2}/memory.max": 2**29}, 2**29),
        ("0::/a\n", {f"{V2}/a/memory.max": "max"}, None),
        (HYBRID, {f"{V1}/slurm/job_7/memory.limit_in_bytes": 2**30}, 2**30),
        (HYBRID, {f"{V1}/memory.limit_in_bytes": UNLIMITED_V1}, int(UNLIMITED_V1)),
        ("4:memory:/docker/made-by-the-host\n", {f"{V1}/memory.limit_in_bytes": 2**30}, 2**30),
        ("3:cpuset:/a\n", {"sys/fs/cgroup/cpuset/a/memory.max": 2**30}, None),
        ("0::/a\n", {}, None),
    ],
)
def test_the_least_limit_on_the_way_up_counts(tmp_path, groups, limits, expected):
    lay_out(tmp_path, groups, limits)
    assert memory_limit(tmp_path) == expected


def test_a_system_without_control_groups_sets_no_limit(tmp_path):
    assert memory_limit(tmp_path) is None


def test_workers_share_what_there_is():
    shares = [fair_memory(workers) for workers in (1, 2, 2**20)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] <= (memory_limit() or shares[0])
    assert shares[-1] == fair_memory(2**30) > 0

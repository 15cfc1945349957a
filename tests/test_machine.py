"""The fingerprint, usable cores, load and settings, from real and from made-up systems."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import pytest

from autotune import SettingsError, settings
from autotune.machine import compiled_fields, fingerprint, usable_cores
from autotune.machine.cores import cgroup_quota
from autotune.machine.fingerprint import (
    available_memory_bytes,
    cache_bytes,
    cpu_label,
    last_level_cache_bytes,
    linux_caches,
    read_fingerprint,
)
from autotune.machine.load import Load, cpu_pressure_percent, current_load

CPUINFO = (
    "processor\t: 0\nmodel name\t: Fast CPU @ 3GHz\ncpu family\t: 6\nmodel\t\t: 85\nstepping\t: 4\n\nprocessor\t: 1\n"
)
ARM = "processor\t: 0\nCPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n\nprocessor\t: 1\n"


def system(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def no_command(command: list[str]) -> str:
    raise AssertionError(f"ran {command}")


def test_the_fingerprint_of_this_machine_is_stable_in_every_process(run):
    found = run("from autotune.machine import fingerprint; print(fingerprint().key)")

    assert found.stdout.strip() == fingerprint().key
    assert fingerprint().hard["python"].endswith(f"{sys.version_info[0]}.{sys.version_info[1]}")
    assert str(fingerprint().cores.count) in fingerprint().label


def test_linux_is_read_from_proc_and_sys(tmp_path):
    cache = "sys/devices/system/cpu/cpu0/cache/index"
    root = system(tmp_path, {
        "proc/cpuinfo": CPUINFO,
        f"{cache}0/type": "Data\n", f"{cache}0/level": "1\n", f"{cache}0/size": "48K\n",
        f"{cache}1/type": "Instruction\n", f"{cache}1/level": "1\n", f"{cache}1/size": "32K\n",
        f"{cache}3/type": "Unified\n", f"{cache}3/level": "3\n", f"{cache}3/size": "30720K\n",
        f"{cache}4/type": "Unified\n",
    })  # fmt: skip
    machine = read_fingerprint(system="Linux", root=root, environ={}, run=no_command)

    assert machine.hard["cpu"] == "Fast CPU @ 3GHz cpu family=6 model=85 stepping=4"
    assert machine.hard["caches"] == "L1=48K L3=30720K"
    assert linux_caches(root) == {"L1": "48K", "L3": "30720K"}


def test_arm_linux_is_known_by_implementer_and_part(tmp_path):
    machine = read_fingerprint(system="Linux", root=system(tmp_path, {"proc/cpuinfo": ARM}), environ={}, run=no_command)

    assert machine.hard["cpu"] == "CPU implementer=0x41 CPU part=0xd0c CPU variant=0x3"


def test_a_linux_that_tells_nothing_is_unknown(tmp_path):
    machine = read_fingerprint(system="Linux", root=tmp_path, environ={}, run=no_command)

    assert machine.hard["cpu"] == machine.hard["caches"] == "unknown"


def test_macos_is_asked_by_sysctl(tmp_path):
    answers = {"machdep.cpu.brand_string": "Apple M9\n", "hw.l1dcachesize": "65536\n", "hw.l2cachesize": "4194304\n"}
    machine = read_fingerprint(
        system="Darwin", root=tmp_path, environ={}, run=lambda command: answers.get(command[-1], "")
    )

    assert machine.hard["cpu"] == "Apple M9"
    assert machine.hard["caches"] == "L1=65536 L2=4194304"


def test_windows_is_read_from_the_environment(tmp_path):
    environ = {"PROCESSOR_IDENTIFIER": "Intel64 Family 6 Model 151"}
    machine = read_fingerprint(system="Windows", root=tmp_path, environ=environ, run=no_command)

    assert machine.hard["cpu"] == "Intel64 Family 6 Model 151"


def test_any_other_system_is_described_by_python(tmp_path):
    machine = read_fingerprint(system="Plan9", root=tmp_path, environ={}, run=no_command)

    assert machine.hard["system"] == "Plan9"
    assert machine.hard["cpu"] == (platform.processor() or "unknown")


def test_any_hard_field_changes_the_key(tmp_path):
    a = read_fingerprint(system="Linux", root=system(tmp_path, {"proc/cpuinfo": CPUINFO}), environ={}, run=no_command)
    b = read_fingerprint(system="Linux", root=tmp_path, environ={"NUMBA_NUM_THREADS": "1"}, run=no_command)

    assert a.key != b.key or a.cores.bucket == b.cores.bucket


def test_a_command_that_fails_gives_nothing():
    from autotune.machine.fingerprint import _run

    assert _run(["/no/such/command"]) == ""
    assert _run([sys.executable, "-c", "print('yes')"]) == "yes\n"


@pytest.mark.parametrize(
    ("text", "expected"), [("32K", 32768), ("1M", 1 << 20), ("65536", 65536), ("2G", 2 << 30), ("what", 0)]
)
def test_cache_sizes_are_read_as_written(text, expected):
    assert cache_bytes(text) == expected


def test_facts_of_this_machine_are_plausible():
    assert last_level_cache_bytes() >= 1 << 18
    assert available_memory_bytes() > 1 << 26
    assert cpu_label()
    assert set(compiled_fields()) == {"numba", "llvm_cpu", "layer", "wait_policy", "threads"}


# -- usable cores


def test_cores_are_limited_by_what_is_tightest(tmp_path):
    free = usable_cores(root=tmp_path, environ={})
    pinned = usable_cores(root=tmp_path, environ={"NUMBA_NUM_THREADS": "1"})

    assert free.count == len(os.sched_getaffinity(0))
    assert (pinned.count, pinned.limited_by) == (1, "NUMBA_NUM_THREADS")
    assert usable_cores(root=tmp_path, environ={"NUMBA_NUM_THREADS": "many"}).count == free.count


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "50000 100000\n",
          "sys/fs/cgroup/a/b/cpu.max": "max 100000\n"}, 0.5),
        ({"proc/self/cgroup": "0::/outside\n", "sys/fs/cgroup/cpu.max": "300000 100000\n"}, 3.0),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "junk\n"}, None),
        ({"proc/self/cgroup": "4:cpu,cpuacct:/x\n", "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "200000\n",
          "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n"}, 2.0),
        ({"proc/self/cgroup": "4:cpu:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
          "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"proc/self/cgroup": "4:cpu:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "1\n",
          "sys/fs/cgroup/cpu/cpu.cfs_period_us": "0\n"}, None),
    ],
)  # fmt: skip
def test_cgroup_quotas_of_both_versions_are_read(tmp_path, files, quota):
    assert cgroup_quota(system(tmp_path, files)) == quota


def test_half_a_core_is_one(tmp_path):
    root = system(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"})
    budget = usable_cores(root=root, environ={})

    assert (budget.count, budget.bucket, budget.limited_by) == (1, 1, "cgroup CPU quota")


@pytest.mark.parametrize(("count", "bucket"), [(1, 1), (2, 2), (3, 2), (4, 4), (12, 8), (16, 16)])
def test_records_are_kept_by_powers_of_two(count, bucket):
    from autotune.machine import CoreBudget

    assert CoreBudget(count, (("x", count),)).bucket == bucket


# -- load


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("some avg10=37.50 avg60=1.0 total=1\nfull avg10=0.00\n", 37.5),
        ("", None),
        ("some avg10=x\n", None),
        (None, None),
    ],
)
def test_pressure_is_read_where_the_kernel_tells(tmp_path, text, expected):
    root = system(tmp_path, {"proc/pressure/cpu": text}) if text is not None else tmp_path

    assert cpu_pressure_percent(root) == expected


def test_a_machine_is_busy_by_pressure_or_else_by_runnable_tasks():
    assert Load(30.0, 0.1).busy
    assert not Load(5.0, 9.0).busy
    assert Load(None, 1.5).busy
    assert not Load(None, None).busy
    assert str(Load(None, None)) == "unknown"
    assert "waited for a processor 30 %" in str(Load(30.0, 0.1))
    assert current_load().runnable_per_core is not None


# -- settings


def read(tmp_path, **environ):
    return settings.current({f"AUTOTUNE_{k.upper()}": v for k, v in environ.items()}, str(tmp_path))


def test_defaults(tmp_path):
    found = read(tmp_path)

    assert (found.mode, found.mode_is_explicit, found.budget_s, found.numerics) == (
        "first-use",
        False,
        2.0,
        "reassociated",
    )


def test_the_environment_is_stronger_than_the_project(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.autotune]\nmode = "use"\nbudget = 0.5\nnumerics = "bitwise"\n')
    (tmp_path / "below").mkdir()
    project = read(tmp_path / "below")
    both = read(tmp_path, mode="off", budget="3")

    assert (project.mode, project.budget_s, project.numerics, project.mode_is_explicit) == ("use", 0.5, "bitwise", True)
    assert (both.mode, both.budget_s, both.numerics) == ("off", 3.0, "bitwise")


def test_a_project_without_the_table_ends_the_search(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.autotune]\nmode = "off"\n')
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "pyproject.toml").write_text("[project]\n")

    assert read(tmp_path / "inner").mode == "first-use"


@pytest.mark.parametrize(
    ("environ", "part"),
    [
        ({"mode": "fast"}, "AUTOTUNE_MODE='fast': expected one of first-use, use, off"),
        ({"numerics": "exact"}, "AUTOTUNE_NUMERICS='exact': expected one of bitwise"),
        ({"budget": "soon"}, "AUTOTUNE_BUDGET='soon': expected a number of seconds"),
        ({"budget": "-1"}, "expected a number of seconds"),
        ({"shipped": "maybe"}, "AUTOTUNE_SHIPPED='maybe'"),
    ],
)
def test_a_setting_without_a_legal_value_names_the_variable(tmp_path, environ, part):
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, **environ)

    assert part in str(caught.value)


def test_a_project_file_that_is_no_toml_is_named(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.autotune]\nmode = \n")
    with pytest.raises(SettingsError, match=r"pyproject.toml: cannot be read as TOML"):
        read(tmp_path)


def test_the_root_is_the_users_cache_unless_told(tmp_path, monkeypatch):
    assert read(tmp_path, db=str(tmp_path / "db")).root == tmp_path / "db"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert read(tmp_path).root.name == "autotune"


def test_the_log_goes_to_standard_error_when_asked(run):
    script = (
        "import numpy as np, logging; from autotune import tunable\n"
        "f = tunable(np.cos, size={'n': 'x.size'}); f.variant(lambda x: np.cos(x), kind='scalar', name='v')\n"
        "f(np.ones(3)); logging.getLogger('autotune').info('seen')"
    )

    assert "autotune: seen" in run(script, AUTOTUNE_LOG="info", AUTOTUNE_MODE="use").stderr
    assert run(script, AUTOTUNE_MODE="use").stderr == ""


def test_a_deleted_working_directory_is_survived(run, tmp_path):
    script = (
        "import os, shutil; os.makedirs('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
        "from autotune import settings; print(settings.current().mode)"
    )

    assert run(script).stdout.split() == ["first-use"]

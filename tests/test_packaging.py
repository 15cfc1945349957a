"""The wheel and the tree it is built from: what is inside, and that both work from any directory."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from autotune.store import shipped
from tests.conftest import ROOT

LOOK = """
import json, pathlib, sys
import autotune, kernels, tuning_db
from importlib import metadata
import numpy as np
print(json.dumps({
    "places": [str(pathlib.Path(module.__file__).parent) for module in (autotune, kernels, tuning_db)],
    "bundles": sorted(path.name for path in pathlib.Path(tuning_db.__file__).parent.glob("*.json")),
    "median": float(kernels.median(np.array([3.0, 1.0, 2.0]))),
    "entry points": [point.value for point in metadata.entry_points(group="autotune.kernels")],
    "version": autotune.__version__, "distribution": metadata.version("autotune-kernels"),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder),
         str(ROOT)], check=True, capture_output=True, text=True,
    )  # fmt: skip
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_the_three_packages_and_what_belongs_to_them(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    metadata = next(name for name in names if name.endswith(".dist-info/METADATA")).partition("/")[0]

    assert wheel.name.startswith("autotune_kernels-")
    assert tops == {"autotune", "kernels", "tuning_db", metadata}
    assert {"autotune/py.typed", "kernels/py.typed", "tuning_db/record.schema.json"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if "__pycache__" in name or name.endswith(".so")]


def test_an_installed_wheel_works_from_another_directory(wheel, tmp_path, run):
    target = tmp_path / "installed"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    found = json.loads(run(LOOK, PYTHONPATH=str(target)).stdout)

    assert found["places"] == [str(target / name) for name in ("autotune", "kernels", "tuning_db")]
    assert found["median"] == 2.0
    assert found["version"] == found["distribution"]
    assert "kernels" in found["entry points"]
    assert "record.schema.json" in found["bundles"]
    assert len(found["bundles"]) > 1


def test_the_tree_itself_works_from_another_directory(run):
    found = json.loads(run(LOOK).stdout)

    assert found["median"] == 2.0
    assert found["bundles"] == sorted(path.name for path in (ROOT / "tuning_db").glob("*.json"))


def test_shipped_records_are_whole_and_named_by_their_machine():
    files = [path for path in (ROOT / "tuning_db").glob("*.json") if path.name != "record.schema.json"]

    assert files
    for file in files:
        bundle = shipped.read_bundle(file.read_bytes(), file.name)
        assert shipped.write_bundle(bundle.records, bundle.label) == file.read_bytes()
        assert {record.kernel.partition(":")[0].partition(".")[0] for record in bundle.records} == {"kernels"}
        assert {record.quality for record in bundle.records} == {"clean"}


def test_shipped_records_serve_the_machine_they_were_made_on(run, tmp_path):
    program = """
import pathlib, sys
import numpy as np
from autotune.machine import fingerprint
from autotune.store import shipped
from kernels import sum
from tests.records import leaf, record
x = np.ones(1000)
folder = pathlib.Path(sys.argv[1])
bundle = shipped.write_bundle([record(sum, (x,), leaf("single_pass"))], "this machine")
folder.joinpath(f"this-machine-{fingerprint().key}.json").write_bytes(bundle)
shipped.directory = lambda: folder
print(sum.decision(x).variant, sum.decision(x).source, sum(x))
"""
    done = run(program, str(tmp_path), AUTOTUNE_SHIPPED="1", AUTOTUNE_MODE="use", PYTHONPATH=str(ROOT))

    assert done.stdout.split() == ["single_pass", "shipped", "1000.0"]


def test_the_schema_beside_the_records_is_that_of_the_code():
    assert (ROOT / "tuning_db" / "record.schema.json").read_bytes() == shipped.schema(), "write it anew: make schema"


def imported_by(*folders: str) -> set[str]:
    """Packages that the modules below some folders import, the standard library's left out."""
    found = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(str(node.module).partition(".")[0])
    return found - set(sys.stdlib_module_names)


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    comes_with = {"cpuinfo": "py-cpuinfo", "llvmlite": "numba"}
    loaded_by_itself = {"pytest"}  # which alone loads the plugin
    used = (
        {comes_with.get(name, name) for name in imported_by("autotune", "kernels")}
        - {"autotune", "kernels"}
        - loaded_by_itself
    )
    optional = project["optional-dependencies"]
    for_kernels = [
        need for extra, needs in optional.items() if extra not in ("test", "dev", "report") for need in needs
    ]
    declared, available = (
        {re.match(r"[a-z0-9-]+", need).group() for need in needs}
        for needs in (project["dependencies"], project["dependencies"] + for_kernels)
    )

    assert declared - used == {"tbb"}, "tbb alone is loaded by its path"
    assert used - imported_by("kernels") <= declared
    assert used <= available


def test_readmes_two_commands_stand_in_one_block_of_two_lines():
    text = (ROOT / "README.md").read_text()
    section = text.partition("## Two commands\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)

    assert len(blocks) == 1
    calibrate, test = blocks[0].strip().splitlines()
    assert calibrate.endswith("autotune calibrate")
    assert test.endswith("python -m tests")

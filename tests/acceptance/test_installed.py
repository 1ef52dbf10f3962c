"""What is tested is what users get: the package from its wheel."""

import os
import subprocess
import sys
from pathlib import Path

import farshot

ROOT = Path(__file__).parents[2]


def test_make_tests_the_wheel_and_not_the_tree():
    if "MAKELEVEL" in os.environ:
        assert ROOT / "src" not in Path(farshot.__file__).parents


def test_the_wheel_runs_without_the_tree(tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("farshot-*.whl")
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(target), "FARSHOT_DATA_DIR": str(tmp_path / "data")}
    run = [sys.executable, "-P", "-m", "farshot", "run", "--examples", "--json"]
    done = subprocess.run(run, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    where = [sys.executable, "-P", "-c", "import farshot; print(farshot.__file__)"]
    found = subprocess.run(where, env=environment, capture_output=True, text=True, check=True)
    assert '"COMPLETED"' in done.stdout
    assert str(target) in found.stdout

import subprocess
import sys

HEAVY = {"starlette", "uvicorn", "httptools", "httpx2", "sqlalchemy", "numpy", "prism_q", "rich.table"}


def test_the_command_line_is_declared_without_what_commands_use():
    text = "import sys, farshot.cli.app; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, text=True)
    assert not HEAVY & set(run.stdout.split())


def test_a_service_without_its_extra_says_what_installs_it():
    text = "import sys; sys.modules['starlette'] = None; sys.argv = ['farshot', 'serve']"
    text += "; from farshot.cli import main; main()"
    run = subprocess.run([sys.executable, "-c", text], check=False, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr.endswith("pip install 'farshot[server]'\n")

"""Requests drawn from the description of the API: nothing is answered 5xx, or with what it does not describe."""

import os
import re
import subprocess
import sys
from pathlib import Path

from samples import BELL

CAMPAIGN = os.environ.get("FARSHOT_CAMPAIGN") == "1"
EXAMPLES = 60 if CAMPAIGN else 10
AGAIN = "coverage,fuzzing" if CAMPAIGN else "fuzzing"
"""Phases of what differs from the first test by who asks, or about which job."""
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ignored_auth",
]
CONFIG = """\
[parameters]
wait = 0
{more}
"""


def draw(folder, caller, phases, examples, **parameters):
    more = "\n".join(f'{name} = "{value}"' for name, value in parameters.items())
    (folder / "schemathesis.toml").write_text(CONFIG.format(more=more), encoding="utf-8")
    program = [sys.executable, str(Path(__file__).with_name("drawn_requests.py"))]
    command = [*program, "run", f"{str(caller.base_url).rstrip('/')}/v1/openapi.json"]
    options = ["--checks", ",".join(CHECKS), "--phases", phases, "--max-examples", str(examples), "--seed", "4711"]
    token = ["--header", f"Authorization: Bearer {caller.token}"]
    run = subprocess.run(
        [*command, *options, *token, "--no-shrink", "--warnings", "off", "--continue-on-failure", "--no-color"],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"Operations: +(\d+) selected / \1 total", run.stdout), run.stdout
    return int(re.search(r"(\d+) generated", run.stdout)[1])


def test_no_answer_is_5xx_or_outside_the_document(tmp_path, ann):
    assert draw(tmp_path, ann, "examples,coverage,fuzzing,stateful", EXAMPLES) > 500


def test_nor_is_one_to_an_admin_about_a_job_that_has_ended(tmp_path, ann, new_user):
    job = ann.wait(ann.submit({"bell": BELL}, ham_ops="ZZ;XX")["job_id"])
    assert draw(tmp_path, new_user(admin=True), AGAIN, EXAMPLES // 2, job_id=job["job_id"]) > 50


def test_nor_is_one_about_a_job_in_the_making(tmp_path, ann):
    template = {"source": "qreg q[1]; rx(a) q[0];", "parameters": ["a"]}
    job = ann.submit(upload=True, template=template)
    assert draw(tmp_path, ann, AGAIN, EXAMPLES // 2, job_id=job["job_id"]) > 50

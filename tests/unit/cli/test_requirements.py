"""What `doctor` says of packages, of the folder and of a server: each claim is looked at."""

import pytest

from farshot.cli.checks import checks, is_within, requirement_checks, server_check


@pytest.mark.parametrize(
    ("found", "bounds", "fits"),
    [
        ("0.17.2", ">=0.18.2,<0.19", False),
        ("0.18.2", ">=0.18.2,<0.19", True),
        ("0.19.0rc1", ">=0.18.2,<0.19", False),
        ("2.10.1", "<3,>=2.6", True),
        ("1.3.0", "==1.3.0", True),
        ("1.3.1", "==1.3.0", False),
        ("7", "", True),
    ],
)
def test_versions_are_compared_by_their_numbers(found, bounds, fits):
    assert is_within(found, bounds) is fits


def test_what_is_installed_here_is_what_is_required():
    assert list(requirement_checks()) == []


@pytest.mark.parametrize("package", ["qiskit-aer", "msgspec"])
def test_a_package_that_is_too_old_is_found(monkeypatch, package):
    from farshot.cli import checks as module

    real = module.version
    monkeypatch.setattr(module, "version", lambda name: "0.1.0" if name == package else real(name))
    (found,) = requirement_checks()
    assert (found.name, found.ok) == (package, False)
    assert "0.1.0" in found.detail
    assert found.advice.startswith(f"pip install '{package}")


def test_a_server_that_does_not_answer_is_found():
    found = server_check("postgresql://nobody@127.0.0.1:1/farshot")
    assert not found.ok
    assert "start PostgreSQL" in found.advice


def test_a_folder_that_cannot_be_made_is_found(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    found = {check.name: check for check in _until_store(tmp_path / "file" / "data")}
    assert not found["data folder"].ok
    assert "choose another" in found["data folder"].advice


def _until_store(folder):
    for check in checks(folder):
        if check.name == "store":
            return
        yield check

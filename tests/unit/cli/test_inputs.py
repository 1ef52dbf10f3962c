import io
import os

import pytest

from farshot.cli.error_output import InputError
from farshot.cli.inputs import circuits, expand, text_of, unique_labels


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.qasm", "a.qasm", "notes.txt", "deep/er/c.qasm", "deep/b.qasm"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"// {name}", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("a.qasm", ["a.qasm"]),
        ("./a.qasm", ["a.qasm"]),
        ("notes.txt", ["notes.txt"]),
        (".", ["a.qasm", "b.qasm", "deep/b.qasm", "deep/er/c.qasm"]),
        ("deep", ["deep/b.qasm", "deep/er/c.qasm"]),
        ("*.qasm", ["a.qasm", "b.qasm"]),
        ("**/*.qasm", ["a.qasm", "b.qasm", "deep/b.qasm", "deep/er/c.qasm"]),
        ("d*", ["deep/b.qasm", "deep/er/c.qasm"]),
    ],
)
@pytest.mark.usefixtures("folder")
def test_an_argument_names_files_folders_or_a_pattern(argument, expected):
    assert [path.as_posix() for path in expand(argument)] == expected


@pytest.mark.parametrize("name", ["A.QASM", "b.qasm3", "c.Qasm2", "d.qasm"])
def test_a_folder_gives_every_file_of_openqasm_however_it_ends(tmp_path, name):
    (tmp_path / name).touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "qasm").touch()
    assert [path.name for path in expand(str(tmp_path))] == [name]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("c.qasm", "no file 'c.qasm'; give .qasm files"),
        ("a", "no file 'a'; did you mean 'a.qasm'?"),
        ("deep/er/d.qasm", "no file 'deep/er/d.qasm'; give"),
        ("deep/nots.txt", "give .qasm files"),
        ("not.txt", "did you mean 'notes.txt'?"),
        ("nowhere/a.qasm", "there is no folder 'nowhere'"),
        ("empty", "no .qasm, .qasm2 or .qasm3 file in the folder 'empty' or below it"),
        ("*.xyz", "nothing matches the pattern '*.xyz'"),
        ("", "no file ''"),
        ("x" * 5000, "no file 'xxx"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_an_argument_that_names_nothing_is_refused_with_what_to_do(argument, message):
    with pytest.raises(InputError) as caught:
        expand(argument)
    assert message in str(caught.value)


def test_a_file_whose_name_looks_like_a_pattern_is_taken_as_it_is(folder):
    (folder / "x[1].qasm").write_text("", encoding="utf-8")
    assert [path.name for path in expand("x[1].qasm")] == ["x[1].qasm"]


@pytest.mark.usefixtures("folder")
def test_stems_are_labels_and_paths_where_two_share_one():
    assert list(circuits(["."])) == ["a", "b.qasm", "deep/b.qasm", "c"]


@pytest.mark.usefixtures("folder")
def test_a_file_that_is_named_twice_is_one_circuit():
    assert circuits(["a.qasm", "*.qasm", "./deep/../a.qasm"]) == {"a": "// a.qasm", "b": "// b.qasm"}


def test_standard_input_is_a_circuit_beside_files(folder, monkeypatch):
    (folder / "stdin.qasm").write_text("// file", encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"// piped")))
    assert circuits(["-", "stdin.qasm", "-"]) == {"stdin": "// piped", "stdin.qasm": "// file"}


def test_nothing_named_is_refused():
    with pytest.raises(InputError, match="--examples"):
        circuits([])


def test_the_examples_are_circuits_with_a_word_on_what_to_expect():
    examples = circuits([], examples=True)
    assert {"bell", "ghz_5", "teleportation", "qft_4", "grover_3"} <= set(examples)
    assert all("xpect" in text for text in examples.values())
    assert {text.split("OPENQASM ")[1][0] for text in examples.values()} == {"2", "3"}


def test_a_file_that_cannot_be_read_is_named():
    with pytest.raises(InputError, match=r"'/proc/self/mem' cannot be read: "):
        circuits(["/proc/self/mem"])


def test_a_name_that_is_no_unicode_still_gives_a_label(folder):
    (folder / os.fsdecode(b"caf\xe9.qasm")).write_text("", encoding="utf-8")
    assert list(circuits(["caf*.qasm"])) == ["caf\\xe9"]


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"h q;", "h q;"), (b"\xef\xbb\xbfh q;", "h q;"), ("// é".encode(), "// é"), (b"// \xe9", "// \udce9")],
)
def test_text_is_utf_8_and_what_is_not_stays_recognisable(data, text):
    assert text_of(data) == text


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ([("a", "x/a.q"), ("b", "x/b.q")], ["a", "b"]),
        ([("a", "x/a.q"), ("a", "y/a.q"), ("b", "y/b.q")], ["x/a.q", "y/a.q", "b"]),
        ([("stdin",), ("stdin", "stdin", "/w/stdin")], ["stdin", "/w/stdin"]),
        ([("a", "a.q", "/w/a.q"), ("a", "x/a.q"), ("a.q", "a.q.q")], ["/w/a.q", "x/a.q", "a.q.q"]),
    ],
)
def test_labels_are_unique(names, labels):
    assert unique_labels(names) == labels


def test_names_that_cannot_be_told_apart_are_refused():
    with pytest.raises(InputError, match="rename one"):
        unique_labels([("a",), ("a",)])

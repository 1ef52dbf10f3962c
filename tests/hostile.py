"""The hostile and odd inputs: most are files, and two that are large are made."""

import gzip
import json

from samples import DATA

FOLDER = DATA / "hostile"
MANIFEST = {entry["name"]: entry for entry in json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))}
TEXTS = [name for name, entry in MANIFEST.items() if entry["kind"] in {"qasm2", "qasm3", "stim"}]
"""What is submitted as the text of a circuit."""
ALL = 116
MADE = {
    "circuits_1e6": lambda: b'{"circuits": {%b}}' % b",".join(b'"c%d": "x"' % number for number in range(1_000_000)),
    "json_2e5_keys": lambda: b"{%b}" % b",".join(b'"k%d": %d' % (number, number) for number in range(200_000)),
}
"""Named in the manifest, and not in the folder: the bodies before they are packed."""


def packed(name):
    """Return an input as it is stored."""
    return gzip.compress(MADE[name](), 1, mtime=0) if name in MADE else (FOLDER / MANIFEST[name]["file"]).read_bytes()


def content(name, errors="surrogateescape"):
    """Return the text of an input."""
    data = packed(name)
    data = gzip.decompress(data) if MANIFEST[name]["file"].endswith(".gz") else data
    return data.decode("utf-8", errors)

"""Texts and bodies that are awkward to read."""

import gzip

import msgspec

from hostile import TEXTS, content
from samples import BELL

JSON = {"Content-Type": "application/json"}
PACKED = {"Content-Type": "application/vnd.msgpack"}
MIB = 2**20


def members(form, count):
    """Return so many members of an object."""
    return ",".join(form.format(number) for number in range(count))


def bodies():
    """Yield bodies that take long to read, with their headers."""
    text = "h q[0]; " * 1250
    circuits, rows = '{"circuits": {', '{"template": {"source": "x", "parameters": ["a"]}, "rows": {'
    wide = "a" * 8_000_000 + "\U0001d11e"
    whole = {
        "1,600 circuits of 10 kB": circuits + members('"{}": "' + text + '"', 1600) + "}}",
        "200,000 tiny circuits": circuits + members('"{}": ""', 200_000) + "}}",
        "a million tiny circuits": circuits + members('"{}": ""', 1_000_000) + "}}",
        "200,000 rows": rows + members('"r{}": [0.5]', 200_000) + "}}",
        "a million rows": rows + members('"r{}": [1]', 1_000_000) + "}}",
        "5 million strings": '{"circuits": {"a": [' + ",".join(['""'] * 5_000_000) + "]}}",
        "5 million groups": '{"circuits": {"a": "b"}, "shot_groups": [' + ",".join(["[]"] * 5_000_000) + "]}",
        "2 million ranges": '{"circuits": {"a": "b"}, "circuit_ham_map": [' + ",".join(["[0,1]"] * 2_000_000) + "]}",
        "a million names": '{"template": {"source": "x", "parameters": [' + members('"a{}"', 1_000_000) + "]}}",
        "deep arrays": '{"circuits": {"a": ' + "[" * 16_000_000,
        "a row of 8 million numbers": rows + '"r": [' + "1," * 7_900_000 + "1]}}",
        "1,000 rows of 7,900": rows + members('"r{}": [' + "1," * 7899 + "1]", 1000) + "}}",
        "numbers of 4,000 digits": '{"circuits": {"a": "b"}, "shot_groups": [[' + ("1" * 4000 + ",") * 3900 + "1]]}",
        "a million unknown members": "{" + members('"m{}": 1', 1_000_000) + "}",
        "one member over and over": "{" + ",".join(['"shots": 1'] * 1_400_000) + "}",
        "white space": '{"circuits": {"a": "b"' + " " * 16_000_000 + "}}",
        "two texts of wide letters": f'{{"circuits": {{"a": "{wide}", "b": "{wide}"}}}}',
        "one text of quotation marks": circuits + '"a": "' + '\\"' * 8_000_000 + '"}}',
        "one text of backslashes": circuits + '"a": "' + "\\" * 16_000_000 + '"}}',
        "one text of escapes": '{"circuits": {"a": "' + "\\n" * 8_000_000 + '"}}',
        "400,000 terms": '{"circuits": {"a": "b"}, "ham_ops": "' + "Z;" * 400_000 + 'Z"}',
    }
    for body in whole.values():
        yield body.encode()[: 16 * MIB], JSON
    yield gzip.compress(bytes(10**9), 1), {**JSON, "Content-Encoding": "gzip"}
    for body in packed().values():
        yield body[: 16 * MIB], PACKED
    yield gzip.compress(b"\x91" * 10**9, 1), {**PACKED, "Content-Encoding": "gzip"}


def packed():
    """Return bodies in MessagePack that take long to read, by what they hold."""
    pack = msgspec.msgpack.encode
    row, template = [0.5] * 1200, {"source": "x", "parameters": ["a"]}
    return {
        "200,000 tiny circuits": pack({"circuits": {str(number): "" for number in range(200_000)}}),
        "a million tiny circuits": pack({"circuits": {str(number): "" for number in range(1_000_000)}}),
        "1,000 rows of 1,200": pack({"template": template, "rows": {str(number): row for number in range(1000)}}),
        "200,000 rows": pack({"template": template, "rows": {str(number): [0.5] for number in range(200_000)}}),
        "a row of 15 million numbers": pack({"rows": {"r": [1] * 15_000_000}}),
        "5 million groups": pack({"circuits": {"a": "b"}, "shot_groups": [[]] * 5_000_000}),
        "200,000 groups": pack({"circuits": {"a": "b"}, "shot_groups": [[0, 1, 1]] * 200_000}),
        "a million names": pack({"template": {**template, "parameters": ["a"] * 1_000_000}}),
        "deep arrays": b"\x91" * 16 * MIB,
        "a million unknown members": pack({str(number): 1 for number in range(1_000_000)}),
        "one member over and over": b"\xdf\x00\x10\x00\x00" + b"\xa5shots\x01" * 2**20,
        "a map of 4 billion members": b"\x81\xa8circuits\xdf\xff\xff\xff\xff" + b"\xa1a\xa1b" * 2**20,
        "two long texts": pack({"circuits": {"a": "é" * 4_000_000, "b": "é" * 4_000_000}}),
    }


def texts():
    """Return every hostile text among nine good circuits."""
    good = {f"good{number}": BELL for number in range(9)}
    return good | {name: content(name, "replace") for name in TEXTS}

"""`schemathesis` that can write MessagePack as well."""

import json

import msgspec
import schemathesis
from schemathesis.cli import schemathesis as program


@schemathesis.serializer("application/vnd.msgpack")
def pack(_context, value):
    """Return a drawn body; one with a number that MessagePack has not is none."""
    try:
        return msgspec.msgpack.encode(value)
    except OverflowError:
        return json.dumps(value).encode()


if __name__ == "__main__":
    program()

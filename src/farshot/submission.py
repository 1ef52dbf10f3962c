"""Submissions: batches and their shards, and the parts of uploads."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.model import JobSpec, TemplateSource


@dataclass(frozen=True)
class Batch:
    """The validated content of one submission."""

    labels: Sequence[str]
    sources: Sequence[str] | Sequence[bytes]
    """OpenQASM texts, or rows of `spec.template`, each packed as little-endian float64, one for each parameter."""
    spec: JobSpec
    tag: str | None
    key: str
    options: bytes
    """The options that the caller gave for all circuits, encoded."""
    is_named: bool = True
    """True if the caller chose the key and may submit the same batch under it again; False if it was drawn."""

    @cached_property
    def digest(self) -> bytes:
        """Sixteen bytes that only an equal batch shares."""
        return digest_of(self.options, self.labels, self.sources)

    @property
    def stamp(self) -> bytes:
        """The bytes that distinguish this batch from another one under the same key. A drawn key needs no digest."""
        return self.digest if self.is_named else self.key.encode()

    def encoded(self, span: slice) -> list[bytes]:
        """Return the circuits of `span` as the store keeps them: packed rows, or UTF-8.

        Lone surrogates are passed through: the scan reports them as a fault of that circuit.
        """
        return encoded(self.sources[span])


def encoded(sources: Sequence[str] | Sequence[bytes]) -> list[bytes]:
    """Return circuits as the store keeps them: packed rows as they are, texts in UTF-8."""
    return list(map(_to_bytes, sources))


def digest_of(options: bytes, labels: Sequence[str], sources: Sequence[str] | Sequence[bytes]) -> bytes:
    """Return a digest of sixteen bytes of labelled circuits and the options for all of them."""
    digest = blake2b(options, digest_size=16)
    for pair in zip(labels, sources, strict=True):
        label, source = map(_to_bytes, pair)
        digest.update(b"%d:%b%d:%b" % (len(label), label, len(source), source))
    return digest.digest()


def _to_bytes(source: object) -> bytes:
    return source if isinstance(source, bytes) else str(source).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class ShardCut:
    """The circuits at positions [start, end), which make a shard of an estimated `cost` seconds."""

    start: int
    end: int
    cost: float


@dataclass(frozen=True, slots=True)
class Submission:
    """A batch, cut into shards in order. The job gets `job_id`, unless its owner and key already name a job."""

    batch: Batch
    shards: Sequence[ShardCut]
    owner: str = ""
    priority: int = 0
    job_id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A job that arrives in parts. `options` are encoded for the code that makes its `JobSpec`."""

    owner: str
    key: str
    digest: bytes
    tag: str | None
    target: str
    priority: int
    options: bytes


@dataclass(frozen=True, slots=True)
class UploadPart:
    """Some circuits of a draft, as the store keeps them."""

    number: int
    digest: bytes
    labels: Sequence[str]
    sources: Sequence[bytes]
    shards: Sequence[ShardCut]
    """The cuts by position in the part."""
    marks: bytes
    """Eight bytes for each label, by which the labels of all parts are compared."""
    options: bytes = b""
    """Encoded for the code that makes the `JobSpec`, like those of the draft."""
    template: TemplateSource | None = None
    """If set, the sources of this part are rows of it."""


class PartReceipt(NamedTuple):
    """The number, circuits and digest of a part that has arrived."""

    number: int
    circuits: int
    digest: bytes

"""What is submitted: batches, how they are cut into shards, and jobs that arrive in parts."""

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
    """What one submission holds, checked.

    `sources` are texts, or the rows of `spec.template`, each packed as little-endian float64, one a parameter.
    `options` is what the caller said of all of them, encoded. `is_named` says whether the key is the caller's own, who
    may then submit the same batch under it once more; else it was drawn, and nobody knows it.
    """

    labels: Sequence[str]
    sources: Sequence[str] | Sequence[bytes]
    spec: JobSpec
    tag: str | None
    key: str
    options: bytes
    is_named: bool = True

    @cached_property
    def digest(self) -> bytes:
        """What two batches share only where they are the same."""
        return digest_of(self.options, self.labels, self.sources)

    @property
    def stamp(self) -> bytes:
        """The bytes that tell a batch from another one under its key; a key that was drawn stands for itself."""
        return self.digest if self.is_named else self.key.encode()

    def encoded(self, span: slice) -> list[bytes]:
        """Return the circuits of `span` as the store keeps them: packed rows, or UTF-8.

        Lone surrogates are passed through: the scan refuses them as that circuit's fault.
        """
        return encoded(self.sources[span])


def encoded(sources: Sequence[str] | Sequence[bytes]) -> list[bytes]:
    """Return circuits as the store keeps them: packed rows as they are, texts in UTF-8."""
    return list(map(_stored, sources))


def digest_of(options: bytes, labels: Sequence[str], sources: Sequence[str] | Sequence[bytes]) -> bytes:
    """Return sixteen bytes that stand for circuits under their labels, and what was said of all of them."""
    digest = blake2b(options, digest_size=16)
    for pair in zip(labels, sources, strict=True):
        label, source = map(_stored, pair)
        digest.update(b"%d:%b%d:%b" % (len(label), label, len(source), source))
    return digest.digest()


def _stored(source: object) -> bytes:
    return source if isinstance(source, bytes) else str(source).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class ShardCut:
    """The circuits at positions [start, end) make a shard that is guessed to take `cost` seconds."""

    start: int
    end: int
    cost: float


@dataclass(frozen=True, slots=True)
class Submission:
    """A batch and how it is cut into shards, in order; the job gets `job_id`, unless its owner and key have one."""

    batch: Batch
    shards: Sequence[ShardCut]
    owner: str = ""
    priority: int = 0
    job_id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A job that arrives in parts: who opened it and how; `options` are for whoever makes its `JobSpec`."""

    owner: str
    key: str
    digest: bytes
    tag: str | None
    target: str
    priority: int
    options: bytes


@dataclass(frozen=True, slots=True)
class UploadPart:
    """Some circuits of a draft, as the store keeps them, cut into shards by positions in the part.

    `marks` are eight bytes for each label, by which those of all parts are compared; `options` are, like those of the
    draft, for whoever makes the job's `JobSpec`. Where there is a `template`, the sources of this part are its rows.
    """

    number: int
    digest: bytes
    labels: Sequence[str]
    sources: Sequence[bytes]
    shards: Sequence[ShardCut]
    marks: bytes
    options: bytes = b""
    template: TemplateSource | None = None


class PartReceipt(NamedTuple):
    """What the store says of a part that has arrived."""

    number: int
    circuits: int
    digest: bytes

"""The one codec of the HTTP API: what its documents hold, and how they become bytes.

Documents are JSON. A request's JSON must say one thing only: an unknown member, a member given twice, or nesting
deeper than the document has is refused. Results also travel packed, as a stream of frames, which costs the server
next to nothing: each frame is its length in four bytes (little-endian) and MessagePack.
"""

from farshot.wire.documents import (
    CircuitsDocument,
    EventsDocument,
    FaultDocument,
    FinalizeRequest,
    JobDocument,
    JobListDocument,
    JobRequest,
    MeDocument,
    OptionsDocument,
    PartDocument,
    PartRequest,
    Problem,
    QuotaDocument,
    Remaining,
    ResultsDocument,
    TargetDocument,
    TargetsDocument,
    TemplateDocument,
)
from farshot.wire.frames import (
    FRAMES,
    Frame,
    FrameReader,
    GapFrame,
    HeadFrame,
    PartFrame,
    TailFrame,
    encode_frame,
    frame_pieces,
)
from farshot.wire.numbers import Position, Shots, read_seed
from farshot.wire.reading import JSON, MAX_BODY, MAX_MEMBERS, NDJSON, PROBLEM, encode, read_answer, read_request

__all__ = [
    "FRAMES",
    "JSON",
    "MAX_BODY",
    "MAX_MEMBERS",
    "NDJSON",
    "PROBLEM",
    "CircuitsDocument",
    "EventsDocument",
    "FaultDocument",
    "FinalizeRequest",
    "Frame",
    "FrameReader",
    "GapFrame",
    "HeadFrame",
    "JobDocument",
    "JobListDocument",
    "JobRequest",
    "MeDocument",
    "OptionsDocument",
    "PartDocument",
    "PartFrame",
    "PartRequest",
    "Position",
    "Problem",
    "QuotaDocument",
    "Remaining",
    "ResultsDocument",
    "Shots",
    "TailFrame",
    "TargetDocument",
    "TargetsDocument",
    "TemplateDocument",
    "encode",
    "encode_frame",
    "frame_pieces",
    "read_answer",
    "read_request",
    "read_seed",
]

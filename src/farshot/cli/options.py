"""The options that several commands share."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farshot.config.units import Seconds, whole_number
from farshot.contract import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence


_ZERO_TIME = re.compile(r"0+(\.0+)?\s*[smhdw]?", re.IGNORECASE)


def duration_seconds(text: str) -> float:
    """Return the seconds of a duration.

    >>> duration_seconds("30d"), duration_seconds("1.5h")
    (2592000.0, 5400.0)
    """
    try:
        return Seconds.read(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def whole_count(text: str) -> int:
    """Return the whole number in the text of an option.

    >>> whole_count("1e6")
    1000000
    """
    try:
        return whole_number(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def age_seconds(text: str) -> float:
    """Return the seconds of an age, which may be 0.

    >>> age_seconds("30d"), age_seconds("0s")
    (2592000.0, 0.0)
    """
    return 0.0 if _ZERO_TIME.fullmatch(text.strip()) else duration_seconds(text)


def option(metavar: str, help_text: str, **others: Any) -> object:  # noqa: ANN401 -- any argument of `typer.Option`
    """Return an option named after its parameter, whose default the help text gives."""
    return typer.Option(metavar=metavar, help=help_text, show_default=False, **others)


Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILES",
        help="OpenQASM 2 or 3 files, folders (all below that end in .qasm, .qasm2 or .qasm3), quoted '*.qasm' "
        "patterns, - for standard input.",
        show_default=False,
    ),
]
Examples = Annotated[bool, typer.Option("--examples", help="Take the circuits that come with Farshot.")]
Shots = Annotated[
    int | None, option("N", "Measurement shots of each circuit, as in 1e6. [default: 1000]", parser=whole_count)
]
Seed = Annotated[int | None, option("N", "Same seed, same counts. Else random.", parser=whole_count)]
Priority = Annotated[
    int,
    typer.Option("--priority", metavar="N", min=0, max=9, help="0 to 9: of your jobs those of the highest come first."),
]
TargetName = Annotated[str, typer.Option("--target", metavar="NAME", help="The simulator; see `farshot targets`.")]
ObservableTerms = Annotated[
    list[str] | None,
    typer.Option(
        "--observable",
        "-o",
        metavar="PAULIS",
        help="Give this exact expectation value instead of counts, as in ZZI; leftmost is qubit 0. Repeatable.",
        show_default=False,
    ),
]
Workers = Annotated[int | None, option("N", "Worker processes. [default: one a core]", min=1)]
Tag = Annotated[str | None, option("TEXT", "A word to find the job by.")]
Key = Annotated[str | None, option("TEXT", "Name this submission: the same key makes no second job.")]
Validate = Annotated[bool, typer.Option("--validate", help="Look at every circuit first; submit none if one is bad.")]
Status = Annotated[JobStatus | None, typer.Option("--status", case_sensitive=False, help="Only jobs that stand there.")]
DataDir = Annotated[
    Path | None, option("DIR", "Where jobs are kept. [default: FARSHOT_DATA_DIR, else your data folder]")
]
Url = Annotated[
    str | None, option("URL", "The service to ask. [default: FARSHOT_URL, else `farshot login`, else this machine]")
]
TokenText = Annotated[
    str | None,
    option(
        "TOKEN", "Your token there; others on this machine can see it. [default: FARSHOT_TOKEN, else `farshot login`]"
    ),
]
OlderThan = Annotated[float, option("AGE", "As in 30d, 12h, 45m or 90s.", parser=age_seconds)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")]
CircuitTimeout = Annotated[
    float | None,
    option("TIME", "Give up a circuit after this long, as in 90s or 2h. [default: 1h]", parser=duration_seconds),
]
JobTimeout = Annotated[
    float | None, option("TIME", "Give up the job this long after its start.", parser=duration_seconds)
]
Here = Annotated[bool, typer.Option("--here", help="Those of this machine, whatever you are logged in at.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]
AsCsv = Annotated[
    bool,
    typer.Option("--csv", help="Print rows of label,outcome,count,error (with observables label,term,value,error)."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
JobId = Annotated[str, typer.Argument(metavar="ID", help="A job's id, or the first 4 characters or more of it.")]


@dataclass(frozen=True, slots=True)
class Location:
    """The folder of this machine or the service whose jobs a command is about, as far as it was given."""

    data_dir: Path | None = None
    url: str | None = None
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimits:
    """The timeouts of a backend in seconds; None: its default."""

    circuit_timeout: float | None = None
    job_timeout: float | None = None

    def keywords(self) -> dict[str, Any]:
        """Return the given timeouts as keywords of a backend."""
        return {name: seconds for name, seconds in asdict(self).items() if seconds is not None}


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """The options of `run` and `submit` about a batch."""

    files: Sequence[str]
    examples: bool
    shots: int | None
    seed: int | None
    target: str
    observables: Sequence[str]
    tag: str | None
    key: str | None
    priority: int
    validate: bool

    def keywords(self) -> dict[str, Any]:
        """Return the keywords of `submit_circuits`."""
        return {
            "shots": self.shots,
            "seed": self.seed,
            "target": self.target,
            "ham_ops": ";".join(self.observables) if self.observables else None,
            "tag": self.tag,
            "key": self.key,
            "priority": self.priority,
            "validate": self.validate,
        }

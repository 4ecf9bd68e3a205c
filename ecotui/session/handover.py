"""A session as one self-contained page, as a recording of its outputs, and as data. Masked by the caller's `clean`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import msgspec

from ecotui.session import events
from ecotui.session.log import Session
from ecotui.session.masking import Clean, everywhere
from ecotui.session.review import Output, clock, duration, ended, iso, timeline

_STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #8886;
vertical-align:top}pre{overflow-x:auto;background:#8882;padding:.8rem;white-space:pre-wrap;overflow-wrap:anywhere}
code{background:#8882;padding:0 .2rem}svg{width:100%;height:auto}svg text{font:12px sans-serif;fill:currentColor}
.succeeded{fill:#2a9d5c}.failed{fill:#d1495b}.other{fill:#8a8f98}time{white-space:nowrap;opacity:.7}
@media print{body{max-width:none;margin:0;font-size:11px}pre{background:none;border:1px solid #888}tr,li{break-inside:avoid}}
"""
_ROW, _PLOT, _LABEL = 22, 620, 270
"""Units of the picture: the height of a row, the width of the bars' part, and of the names beside it."""


@dataclass(frozen=True)
class Ran:
    """A command, with what the log says of it."""

    id: str
    step: str
    title: str
    began: float
    """Seconds since the epoch."""
    seconds: float | None
    """None while it runs, or when nobody saw it end."""
    outcome: str
    told: str


def ran(session: Session) -> list[Ran]:
    """The commands in the order in which they began. Raises SessionError."""
    found: dict[str, Ran] = {}
    for record in session.records():
        match record.event:
            case events.CommandStarted(command=id, step=step, title=title):
                found[id] = Ran(id, step, title, record.at, None, "", "not ended")
            case events.CommandEnded(command=id, seconds=seconds, outcome=outcome) if id in found:
                one = found[id]
                found[id] = Ran(id, one.step, one.title, one.began, seconds, outcome, ended(record.event))
    return list(found.values())


def html(session: Session, output: Output, clean: Clean, *, lines: int = 400) -> str:
    """One page without anything from elsewhere. Raises SessionError."""
    return "\n".join(_page(session, output, clean, lines)) + "\n"


def _page(session: Session, output: Output, clean: Clean, lines: int) -> Iterator[str]:
    def safe(text: str) -> str:
        return escape(clean(text))

    summary, verdict, commands = session.summary(), session.verify(), ran(session)
    title = f"{safe(summary.project or 'Session')} {session.id}"
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
    chain = "whole" if verdict.whole else f"broken at line {verdict.broken}: {verdict.reason}"
    lasted = "not ended" if summary.ended is None else duration(summary.ended - summary.started)
    yield "<table>"
    for name, value in (
        ("Begun", f"{clock(summary.started)} by {summary.by}"),
        ("Outcome", f"{summary.outcome or 'open'} ({lasted})"),
        ("Project folder", summary.folder),
        ("Log", f"{verdict.events} events, the chain is {chain}"),
        *((f"Step {step}", state) for step, state in summary.steps.items()),
    ):
        yield f"<tr><th>{safe(name)}</th><td>{safe(value)}</td></tr>"
    yield "</table>"
    if commands:
        yield "<h2>Commands</h2>"
        yield from _picture(commands, safe)
        yield "<table><tr><th>Begun</th><th>Step</th><th>Command</th><th>How it ended</th></tr>"
        for one in commands:
            yield (
                f"<tr><td>{clock(one.began)}</td><td>{safe(one.step)}</td><td>{safe(one.title)}</td>"
                f"<td>{safe(one.told)}</td></tr>"
            )
        yield "</table>"
    yield "<h2>Timeline</h2><ul>"
    for moment in timeline(session.records()):
        detail = "".join(f"<br><code>{safe(line)}</code>" for line in moment.detail)
        yield f"<li><time>{clock(moment.at)}</time> {safe(moment.text)}{detail}</li>"
    yield "</ul>"
    if commands:
        yield "<h2>Outputs</h2>"
    for one in commands:
        text = clean("\n".join(output(one.id, lines))) or "(no output)"
        opened = "" if one.outcome == "succeeded" else " open"
        yield (
            f"<details{opened}><summary>{safe(one.title)}: {safe(one.told)} (at most the last {lines} lines)"
            f"</summary><pre>{escape(text)}</pre></details>"
        )
    yield "</body></html>"


def _picture(commands: list[Ran], safe: Clean) -> Iterator[str]:
    begin = commands[0].began
    end = max(one.began + (one.seconds or 0) for one in commands)
    scale = _PLOT / max(end - begin, 1.0)
    yield f'<svg viewBox="0 0 {_LABEL + _PLOT + 10} {_ROW * len(commands)}" role="img">'
    yield f"<title>{len(commands)} commands in {duration(end - begin)}</title>"
    for row, one in enumerate(commands):
        kind = one.outcome if one.outcome in ("succeeded", "failed") else "other"
        left, width = _LABEL + (one.began - begin) * scale, max((one.seconds or 0) * scale, 3)
        yield f'<text x="0" y="{row * _ROW + 15}">{safe(one.title[:40])}</text>'
        yield (
            f'<rect class="{kind}" x="{left:.1f}" y="{row * _ROW + 4}" width="{width:.1f}" height="14" rx="2">'
            f"<title>{safe(one.title)}: {safe(one.told)}</title></rect>"
        )
    yield "</svg>"


def cast(session: Session, output: Output, clean: Clean, *, lines: int = 5_000) -> str:
    """The outputs as an asciicast, version 2 (https://docs.asciinema.org/manual/asciicast/v2/).

    The log keeps no time for each line of an output: a command's lines are spread evenly over its time.
    Raises SessionError.
    """
    summary = session.summary()
    header = {
        "version": 2,
        "width": 120,
        "height": 36,
        "timestamp": int(summary.started),
        "idle_time_limit": 2.0,
        "title": clean(f"{summary.project} {session.id} (lines spread evenly over each command's time)"),
    }
    told: list[tuple[float, str]] = []
    for one in ran(session):
        begin, took = max(one.began - summary.started, 0.0), one.seconds or 0.0
        told.append((begin, clean(f"--- {one.step}: {one.title}")))
        said = clean("\n".join(output(one.id, lines))).splitlines()
        told += [(begin + took * (place + 1) / len(said), line) for place, line in enumerate(said)]
        told.append((begin + took, clean(f"--- {one.told}")))
    rows = [json.dumps(header, ensure_ascii=False)]
    for at, line in sorted(told, key=lambda pair: pair[0]):
        rows.append(json.dumps([round(at, 6), "o", f"{line}\r\n"], ensure_ascii=False))
    return "\n".join(rows) + "\n"


def data(session: Session, output: Output, clean: Clean, *, lines: int = 400) -> dict[str, Any]:
    """Everything as one JSON object, outputs from their ends. Raises SessionError."""
    verdict = session.verify()
    plain = {
        "session": msgspec.to_builtins(session.summary()),
        "log": {"whole": verdict.whole, "events": verdict.events, "broken_line": verdict.broken},
        "events": [
            {"n": record.n, "at": iso(record.at), "event": msgspec.to_builtins(record.event)}
            for record in session.records()
        ],
        "outputs": [
            {"command": one.id, "title": one.title, "lines": "\n".join(output(one.id, lines))}
            for one in ran(session)
        ],
    }
    found = everywhere(plain, clean)
    for one in found["outputs"]:
        one["lines"] = one["lines"].splitlines()
    return dict(found)

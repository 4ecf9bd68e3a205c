"""A session as one page: no script, nothing from elsewhere; for a screen in the light and in the dark, and for paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from checks.duration import stopwatch
from checks.finding import State
from ecotui.history.anonymize import Clean
from ecotui.history.export.html_timeline import picture
from ecotui.history.export.model import Explain, Ran, Story, story
from ecotui.history.timeline import Span, Timeline
from ecotui.session.event_text import SIGNS, Moment, Output, clock
from ecotui.session.log import Session
from ecotui.session.readable import readable

SLOWEST = 12
"""Resources of an apply that the page names; the apply's own timeline has all of them."""
CSS = """
:root { color-scheme: light dark; --fg: #1d2430; --dim: #5b6675; --bg: #ffffff; --card: #f5f7f9; --line: #d9dfe6;
  --ok: #1f7a46; --warn: #8a5a00; --blocked: #b3202c; --unknown: #5a4bb0; --skipped: #6b7683; --link: #1c5f9e; }
@media (prefers-color-scheme: dark) { :root { --fg: #e4e8ee; --dim: #9aa6b5; --bg: #14181f; --card: #1c222b;
  --line: #303945; --ok: #7bc98f; --warn: #e3b95a; --blocked: #ff8a85; --unknown: #b7a9ff; --skipped: #8d99a8;
  --link: #7db8f0; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, "Noto Sans CJK KR", "Apple SD Gothic Neo", "Malgun Gothic", sans-serif; color: var(--fg);
  background: var(--bg); max-width: 66rem; margin: 2rem auto; padding: 0 1.2rem; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .2rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
.sub { color: var(--dim); margin: 0 0 1rem; } a { color: var(--link); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; }
dt { color: var(--dim); } dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.steps { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.6rem, 1fr)); gap: .5rem; margin: 1.2rem 0 0; }
.step { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--skipped);
  border-radius: 4px; padding: .35rem .6rem; } .step b { display: block; white-space: nowrap; font-size: .93em; } .step span { color: var(--dim); font-size: .85em; }
.step.ok { border-left-color: var(--ok); } .step.warn { border-left-color: var(--warn); }
.step.blocked { border-left-color: var(--blocked); } .step.unknown { border-left-color: var(--unknown); }
table { border-collapse: collapse; width: 100%; } th { font-weight: 600; color: var(--dim); }
td { overflow-wrap: anywhere; } td.step-name { white-space: nowrap; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.time, td.n { white-space: nowrap; font-variant-numeric: tabular-nums; } td.n, th.n { text-align: right; }
.s { font-weight: 700; display: inline-block; min-width: 1.1em; }
.ok .s, .s.ok { color: var(--ok); } .warn .s, .s.warn { color: var(--warn); }
.blocked .s, .s.blocked { color: var(--blocked); } .unknown .s, .s.unknown { color: var(--unknown); }
.skipped .s, .s.skipped, .none .s { color: var(--skipped); }
ol.line { list-style: none; padding: 0; margin: 0; border-left: 2px solid var(--line); }
ol.line li { overflow-wrap: anywhere; padding: .12rem 0 .12rem .9rem; } ol.line time { color: var(--dim); margin-right: .6rem; white-space: nowrap;
  font-variant-numeric: tabular-nums; } .detail { color: var(--dim); padding-left: 1.4rem; } .decision { font-weight: 600; }
.day { font-weight: 600; color: var(--dim); }
code, pre { font: 13px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono CJK KR", monospace; }
code { background: var(--card); padding: 0 .25rem; border-radius: 3px; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 4px; padding: .7rem .9rem; margin: .4rem 0 0;
  max-height: 34rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
details { border-bottom: 1px solid var(--line); padding: .35rem 0; } summary { cursor: pointer; }
.guide { margin: .3rem 0 0 1.3rem; padding: 0; color: var(--dim); }
.picture { overflow-x: auto; } svg { display: block; min-width: 44rem; width: 100%; height: auto; }
svg text { font: 12px system-ui, "Noto Sans CJK KR", sans-serif; fill: var(--fg); } svg .dim { fill: var(--dim); }
svg .axis { stroke: var(--line); } svg .ok { fill: var(--ok); } svg .warn { fill: var(--warn); }
svg .blocked { fill: var(--blocked); } svg .unknown { fill: var(--unknown); }
svg .skipped, svg .none { fill: var(--skipped); } svg .open { fill: none; stroke: var(--dim); stroke-dasharray: 4 3; }
svg .hatch { stroke: var(--bg); stroke-width: 2; }
.note { color: var(--dim); font-size: .9em; } .broken { color: var(--blocked); font-weight: 700; }
@media print { :root { color-scheme: light; --fg: #000; --dim: #444; --bg: #fff; --card: #fff; --line: #bbb; --ok: #1f7a46;
  --warn: #8a5a00; --blocked: #b3202c; --unknown: #5a4bb0; --skipped: #666; }
  @page { margin: 14mm; } body { max-width: none; margin: 0; padding: 0; font-size: 10.5px; }
  code, pre { font-size: 9px; } pre { max-height: none; overflow: visible; } svg { min-width: 0; }
  h2 { break-after: avoid; } tr, li, .step, dl { break-inside: avoid; }
  details:not([open])::details-content { content-visibility: visible; block-size: auto; display: block; }
  .picture { overflow: visible; break-inside: avoid; } }
""".strip()


def html(
    session: Session,
    output: Output,
    clean: Clean,
    *,
    lines: int = 400,
    applies: Sequence[Timeline] = (),
    explain: Explain = lambda command: (),
) -> str:
    """One page without anything from elsewhere. Raises SessionError."""
    told = story(session)
    return "\n".join(_page(session.id, told, output, clean, lines, applies, explain)) + "\n"


def _page(
    id: str,
    told: Story,
    output: Output,
    clean: Clean,
    lines: int,
    applies: Sequence[Timeline],
    explain: Explain,
) -> Iterator[str]:
    def safe(text: str) -> str:
        return escape(clean(text))

    title = f"{safe(told.summary.project or 'Session')} {id}"
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{CSS}</style></head><body>"
    yield f'<h1>{title}</h1><p class="sub">{safe(told.summary.outcome or "open")}: a session of ecotui, handed over</p><dl>'
    for name, value in told.facts:
        bad = ' class="broken"' if name == "Log" and not told.log.whole else ""
        yield f"<dt>{name}</dt><dd{bad}>{safe(value)}</dd>"
    yield '</dl><div class="steps">'
    for step in told.steps:
        kind = "none" if step.state is None else step.state.value
        took = f", {step.took}" if step.took else ""
        yield (
            f'<div class="step {kind}"><b><span class="s">{step.sign}</span> {step.title}</b>'
            f"<span>{step.word}{took}</span></div>"
        )
    yield "</div>"
    if told.ran:
        yield '<h2>In time</h2><div class="picture">'
        yield from picture(told, safe)
        yield '</div><p class="note">Bars are commands; hatched ones ended with warnings or worse. Dots are looks, flags decisions.</p>'
    yield from _moments("Decisions", told.decisions, safe)
    yield from _moments("Notes", told.notes, safe)
    yield from _commands(told.ran, safe)
    for apply in applies:
        yield from _resources(apply, safe)
    yield from _moments("Timeline", told.moments, safe)
    if told.left_out:
        yield f'<p class="note">The first {told.left_out:,} events are left out here; ecotui sessions show {id} tells them.</p>'
    if told.ran:
        yield "<h2>Outputs</h2>"
    for one in told.ran:
        yield from _output(one, output, clean, lines, explain)
    yield "</body></html>"


def _moments(heading: str, moments: Sequence[Moment], safe: Clean) -> Iterator[str]:
    if not moments:
        return
    yield f'<h2>{heading}</h2><ol class="line">'
    day = ""
    for moment in moments:
        date, _, hour = clock(moment.at).partition(" ")
        if date != day:
            day = date
            yield f'<li class="day">{date}</li>'
        kind = moment.state.value if moment.state is not None else "none"
        sign = f'<span class="s">{SIGNS[moment.state]}</span> ' if moment.state is not None else ""
        text = safe(moment.text)
        if moment.decided:
            sign, text = '<span class="s">⚑</span> ', f'<span class="decision">{text}</span>'
        yield f'<li class="{kind}"><time>{hour}</time>{sign}{text}'
        for line in moment.detail:
            shown = f"<code>{safe(line[2:])}</code>" if line.startswith("$ ") else safe(line)
            yield f'<div class="detail">{shown}</div>'
        yield "</li>"
    yield "</ol>"


def _commands(ran: Sequence[Ran], safe: Clean) -> Iterator[str]:
    if not ran:
        return
    yield "<h2>Commands</h2><table><tr><th>Begun</th><th>Step</th><th>Command</th><th>How it ended</th></tr>"
    for one in ran:
        kind = "none" if one.state is None else one.state.value
        yield (
            f'<tr><td class="time">{clock(one.began)[11:]}</td><td class="step-name">{safe(one.step)}</td>'
            f'<td><a href="#{escape(one.id)}">{safe(one.title)}</a></td>'
            f'<td class="{kind}"><span class="s">{one.sign}</span> {safe(one.told)}</td></tr>'
        )
    yield "</table>"


def _resources(apply: Timeline, safe: Clean) -> Iterator[str]:
    """What did not get done, and what took longest."""

    def row(span: Span) -> str:
        kind = {"done": "ok", "failed": "blocked", "unfinished": "warn"}[span.outcome]
        sign = {"done": "✓", "failed": "✗", "unfinished": "…"}[span.outcome]
        usual = "" if span.usual is None else stopwatch(span.usual)
        error = f'<div class="detail">{safe(span.error)}</div>' if span.error else ""
        return (
            f'<tr><td class="{kind}"><span class="s">{sign}</span> {safe(span.address)}{error}</td><td>{safe(span.action)}</td>'
            f'<td class="n">{stopwatch(span.seconds)}</td><td class="n">{usual}</td></tr>'
        )

    bad = [span for span in apply.spans if span.outcome != "done"]
    slow = sorted((span for span in apply.spans if span.outcome == "done"), key=lambda span: -span.seconds)
    yield f'<h2>Resources of “{safe(apply.title)}”</h2><p class="note">{safe(apply.sentence)}.</p>'
    yield '<table><tr><th>What failed, and what took longest</th><th>Action</th><th class="n">Took</th><th class="n">Usually</th></tr>'
    for span in (*bad, *slow[:SLOWEST]):
        yield row(span)
    yield "</table>"


def _output(one: Ran, output: Output, clean: Clean, lines: int, explain: Explain) -> Iterator[str]:
    said = output(one.id, lines)
    text = clean("\n".join(map(readable, said))) or "(no output)"
    kind = "none" if one.state is None else one.state.value
    opened = "" if one.state is State.OK else " open"
    part = f", its last {lines} lines" if len(said) >= lines else ""
    yield (
        f'<details id="{escape(one.id)}"{opened}><summary class="{kind}"><span class="s">{one.sign}</span> '
        f"{escape(clean(one.title))}: {escape(clean(one.told))}{part}</summary>"
    )
    if entries := explain(one.id) if one.state is not State.OK else ():
        yield f'<ul class="guide">{"".join(f"<li>{escape(clean(line))}</li>" for line in entries)}</ul>'
    yield f"<pre>{escape(text)}</pre></details>"

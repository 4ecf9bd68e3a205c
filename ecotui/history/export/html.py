"""A session as one HTML page without scripts or external files, for light and dark screens and for paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from checks.duration import format_stopwatch
from checks.finding import STATE_ICONS, CheckState
from checks.steps import STEPS
from ecotui.history.anonymize import MaskText
from ecotui.history.export.model import ExplainCommand, ExportedCommand, SessionExport, read_export
from ecotui.history.svg import HATCH_PATTERN, TimeScale
from ecotui.history.timeline import OUTCOME_ICONS, ApplyTimeline, ResourceOperation
from ecotui.session.command_text import message_text
from ecotui.session.event_text import ReadOutput, TimelineEntry, format_local_time
from ecotui.session.log import Session

LABEL_WIDTH, PLOT_WIDTH, ROW_HEIGHT, AXIS_HEIGHT = 110, 860, 26, 24
"""Units of the picture: for the names at the left, for the bars, for a row, and for the axis above."""
MAX_SLOWEST_RESOURCES = 12
"""Resources of an apply on the page; the apply's own timeline has all of them."""
PAGE_CSS = """
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
svg .hatch { stroke: var(--bg); stroke-width: 2; } svg .hatched { fill: url(#hatch); }
.note { color: var(--dim); font-size: .9em; } .broken { color: var(--blocked); font-weight: 700; }
@media print { :root { color-scheme: light; --fg: #000; --dim: #444; --bg: #fff; --card: #fff; --line: #bbb; --ok: #1f7a46;
  --warn: #8a5a00; --blocked: #b3202c; --unknown: #5a4bb0; --skipped: #666; }
  @page { margin: 14mm; } body { max-width: none; margin: 0; padding: 0; font-size: 10.5px; }
  code, pre { font-size: 9px; } pre { max-height: none; overflow: visible; } svg { min-width: 0; }
  h2 { break-after: avoid; } tr, li, .step, dl { break-inside: avoid; }
  details:not([open])::details-content { content-visibility: visible; block-size: auto; display: block; }
  .picture { overflow: visible; break-inside: avoid; } }
""".strip()


def export_html(
    session: Session,
    read_output: ReadOutput,
    mask: MaskText,
    *,
    lines: int = 400,
    applies: Sequence[ApplyTimeline] = (),
    explain: ExplainCommand = lambda command: (),
) -> str:
    """The page. Raises SessionError."""
    export = read_export(session)
    return "\n".join(_render_page(session.id, export, read_output, mask, lines, applies, explain)) + "\n"


def _render_page(
    id: str,
    export: SessionExport,
    read_output: ReadOutput,
    mask: MaskText,
    lines: int,
    applies: Sequence[ApplyTimeline],
    explain: ExplainCommand,
) -> Iterator[str]:
    def safe(text: str) -> str:
        return escape(mask(text))

    title = f"{safe(export.summary.project or 'Session')} {id}"
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{PAGE_CSS}</style></head><body>"
    yield f'<h1>{title}</h1><p class="sub">{safe(export.summary.outcome or "open")}: exported from ecotui</p><dl>'
    for name, value in export.header_rows:
        css_class = ' class="broken"' if name == "Log" and not export.verification.is_intact else ""
        yield f"<dt>{name}</dt><dd{css_class}>{safe(value)}</dd>"
    yield '</dl><div class="steps">'
    for step in export.steps:
        kind = "none" if step.state is None else step.state.value
        duration = f", {step.duration}" if step.duration else ""
        yield (
            f'<div class="step {kind}"><b><span class="s">{step.icon}</span> {step.title}</b>'
            f"<span>{step.state_text}{duration}</span></div>"
        )
    yield "</div>"
    if export.commands:
        yield '<h2>Over time</h2><div class="picture">'
        yield from _render_picture(export, safe)
        yield '</div><p class="note">Bars are commands; hatched ones ended with warnings or worse. Dots are checks, flags are decisions.</p>'
    yield from _render_entries("Decisions", export.decisions, safe)
    yield from _render_entries("Notes", export.notes, safe)
    yield from _render_commands(export.commands, safe)
    for apply in applies:
        yield from _render_resources(apply, safe)
    yield from _render_entries("Timeline", export.entries, safe)
    if export.omitted_events:
        yield f'<p class="note">The first {export.omitted_events:,} events are left out here; ecotui sessions show {id} shows them.</p>'
    if export.commands:
        yield "<h2>Outputs</h2>"
    for command in export.commands:
        yield from _render_output(command, read_output, mask, lines, explain)
    yield "</body></html>"


def _render_picture(export: SessionExport, mask: MaskText) -> Iterator[str]:
    """A row for each step, its commands as bars over the time of the session; failures are hatched."""
    end = max(
        export.entries[-1].timestamp, *(command.start_time + (command.seconds or 0.0) for command in export.commands)
    )
    scale = TimeScale(export.start_time, max(end - export.start_time, 1.0), LABEL_WIDTH, PLOT_WIDTH)
    used = {command.step for command in export.commands} | {entry.step for entry in export.entries}
    steps = [step for step in STEPS if step.id in used]
    height = AXIS_HEIGHT + ROW_HEIGHT * len(steps) + 6
    yield (
        f'<svg viewBox="0 0 {LABEL_WIDTH + PLOT_WIDTH + 20} {height}" role="img" '
        f'aria-label="The commands of the session in time">{HATCH_PATTERN}'
    )
    yield from scale.axis(AXIS_HEIGHT - 6, height)
    for row, step in enumerate(steps):
        y = AXIS_HEIGHT + row * ROW_HEIGHT
        yield f'<text x="{LABEL_WIDTH - 12}" y="{y + 16}" text-anchor="end">{step.title}</text>'
        for command in export.commands:
            if command.step == step.id:
                yield from _render_command_bar(command, scale, y + 4, mask)
        for entry in export.entries:
            if entry.step == step.id:
                yield from _render_mark(entry, scale.x(entry.timestamp), y, mask)
    yield "</svg>"


def _render_command_bar(command: ExportedCommand, scale: TimeScale, y: int, mask: MaskText) -> Iterator[str]:
    css_class = "open" if command.state is None else command.state.value
    title = f"{mask(command.title)}: {mask(command.outcome_text)}"
    yield scale.bar(css_class, command.start_time, command.seconds or 0.0, y, 12, title)
    if command.state not in (None, CheckState.OK):
        yield scale.bar("hatched", command.start_time, command.seconds or 0.0, y, 12, title)


def _render_mark(entry: TimelineEntry, x: float, y: int, mask: MaskText) -> Iterator[str]:
    """A dot for a check, a flag for a decision."""
    title = f"<title>{mask(entry.text)}</title>"
    if entry.kind == "check" and entry.state is not None:
        yield f'<circle class="{entry.state.value}" cx="{x:.1f}" cy="{y + 20}" r="3">{title}</circle>'
    elif entry.is_decision:
        yield f'<path class="warn" d="M{x:.1f} {y + 14}V{y}l8 3.5l-8 3.5z">{title}</path>'


def _render_entries(heading: str, entries: Sequence[TimelineEntry], mask: MaskText) -> Iterator[str]:
    if not entries:
        return
    yield f'<h2>{heading}</h2><ol class="line">'
    day = ""
    for entry in entries:
        date, _, clock = format_local_time(entry.timestamp).partition(" ")
        if date != day:
            day = date
            yield f'<li class="day">{date}</li>'
        css_class = entry.state.value if entry.state is not None else "none"
        icon = f'<span class="s">{STATE_ICONS[entry.state]}</span> ' if entry.state is not None else ""
        text = mask(entry.text)
        if entry.is_decision:
            icon, text = '<span class="s">⚑</span> ', f'<span class="decision">{text}</span>'
        yield f'<li class="{css_class}"><time>{clock}</time>{icon}{text}'
        for line in entry.details:
            content = f"<code>{mask(line[2:])}</code>" if line.startswith("$ ") else mask(line)
            yield f'<div class="detail">{content}</div>'
        yield "</li>"
    yield "</ol>"


def _render_commands(commands: Sequence[ExportedCommand], mask: MaskText) -> Iterator[str]:
    if not commands:
        return
    yield "<h2>Commands</h2><table><tr><th>Started</th><th>Step</th><th>Command</th><th>Outcome</th></tr>"
    for command in commands:
        css_class = "none" if command.state is None else command.state.value
        yield (
            f'<tr><td class="time">{format_local_time(command.start_time)[11:]}</td><td class="step-name">{mask(command.step)}</td>'
            f'<td><a href="#{escape(command.id)}">{mask(command.title)}</a></td>'
            f'<td class="{css_class}"><span class="s">{command.icon}</span> {mask(command.outcome_text)}</td></tr>'
        )
    yield "</table>"


def _render_resources(apply: ApplyTimeline, mask: MaskText) -> Iterator[str]:
    """The failed and unfinished resources, and those that took longest."""

    def row(operation: ResourceOperation) -> str:
        css_class = {"done": "ok", "failed": "blocked", "unfinished": "warn"}[operation.outcome]
        usual = "" if operation.usual is None else format_stopwatch(operation.usual)
        error = f'<div class="detail">{mask(operation.error)}</div>' if operation.error else ""
        return (
            f'<tr><td class="{css_class}"><span class="s">{OUTCOME_ICONS[operation.outcome]}</span> {mask(operation.address)}{error}</td><td>{mask(operation.action)}</td>'
            f'<td class="n">{format_stopwatch(operation.seconds)}</td><td class="n">{usual}</td></tr>'
        )

    failed = [operation for operation in apply.operations if operation.outcome != "done"]
    slowest = sorted(
        (operation for operation in apply.operations if operation.outcome == "done"),
        key=lambda operation: -operation.seconds,
    )
    yield f'<h2>Resources of “{mask(apply.title)}”</h2><p class="note">{mask(apply.result_text)}.</p>'
    yield '<table><tr><th>What failed, and what took longest</th><th>Action</th><th class="n">Took</th><th class="n">Usually</th></tr>'
    for operation in (*failed, *slowest[:MAX_SLOWEST_RESOURCES]):
        yield row(operation)
    yield "</table>"


def _render_output(
    command: ExportedCommand, read_output: ReadOutput, mask: MaskText, lines: int, explain: ExplainCommand
) -> Iterator[str]:
    output = read_output(command.id, lines)
    text = mask("\n".join(map(message_text, output))) or "(no output)"
    css_class = "none" if command.state is None else command.state.value
    opened = "" if command.state is CheckState.OK else " open"
    cut = f", its last {lines} lines" if len(output) >= lines else ""
    yield (
        f'<details id="{escape(command.id)}"{opened}><summary class="{css_class}"><span class="s">{command.icon}</span> '
        f"{escape(mask(command.title))}: {escape(mask(command.outcome_text))}{cut}</summary>"
    )
    if entries := explain(command.id) if command.state is not CheckState.OK else ():
        yield f'<ul class="guide">{"".join(f"<li>{escape(mask(line))}</li>" for line in entries)}</ul>'
    yield f"<pre>{escape(text)}</pre></details>"

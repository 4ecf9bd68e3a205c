"""Exports a session in each format: masked, with the guide's explanations of failures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, get_args

from config.load import LoadedSettings
from ecotui.guide.reading.library import GuideError, GuideLibrary, open_library
from ecotui.history import current_apply, outputs, timeline
from ecotui.history.anonymize import mask_for_export
from ecotui.history.apply_streams import is_apply_stream
from ecotui.history.asciicast import export_asciicast
from ecotui.history.diagnose import find_guide_matches
from ecotui.history.export import html as export_html
from ecotui.history.export import markdown as export_markdown
from ecotui.history.export import model as export_model
from ecotui.session.log import Session
from ecotui.supervisor.commands import list_commands

ExportFormat = Literal["md", "html", "json", "cast"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)


def render_session_export(
    session: Session, export_format: ExportFormat, *, anonymize: bool = False, library: GuideLibrary | None = None
) -> str:
    """The whole text. `anonymize` masks accounts, names and addresses too. Raises SessionError."""
    mask = mask_for_export(session, anonymize=anonymize)
    read_output = outputs.last_lines_reader(session)

    def explain(command: str) -> list[str]:
        """A line for each entry of the guide that explains the command's output."""
        matches = find_guide_matches(session, command, library) if library is not None else ()
        return [f"Guide {match.entry}, {match.title}: {match.excerpt}" for match in matches]

    match export_format:
        case "html":
            applies = [
                timeline.build_timeline(current_apply.read_apply(item).progress, item.title)
                for item in list_commands(session)
                if is_apply_stream(item)
            ]
            return export_html.export_html(
                session, read_output, mask, applies=[item for item in applies if item.operations], explain=explain
            )
        case "cast":
            return export_asciicast(session, mask)
        case "json":
            body = {"schema": "ecotui.sessions.handover/1", **export_model.export_json(session, read_output, mask)}
            return json.dumps(body, ensure_ascii=False, indent=2) + "\n"
    return export_markdown.export_markdown(session, read_output, mask=mask, explain=explain)


def open_library_or_none(loaded: LoadedSettings, env: Mapping[str, str]) -> GuideLibrary | None:
    """The guide; None where it cannot be read: the export is written without explanations."""
    try:
        return open_library(loaded.settings, loaded.project, env)
    except GuideError:
        return None

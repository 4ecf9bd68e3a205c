"""A session written for those who were not there: in each form, masked again, with what the guide says about failures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, get_args

from config.load import Loaded
from ecotui.guide.reading.library import GuideError, Library, open_library
from ecotui.history import current_apply, outputs, timeline
from ecotui.history.anonymize import cleaner
from ecotui.history.apply_streams import is_stream
from ecotui.history.asciicast import cast
from ecotui.history.diagnose import explain
from ecotui.history.export import html as export_html
from ecotui.history.export import markdown as export_markdown
from ecotui.history.export import model as export_model
from ecotui.session.log import Session
from ecotui.supervisor.commands import commands

Form = Literal["md", "html", "json", "cast"]
FORMS: tuple[Form, ...] = get_args(Form)


def written(session: Session, form: Form, *, strict: bool = False, library: Library | None = None) -> str:
    """The whole text. `strict` masks accounts, names and addresses too. Raises SessionError."""
    clean = cleaner(session, strict=strict)
    output = outputs.last_lines(session)
    said = explain(session, library) if library is not None else (lambda command: ())
    match form:
        case "html":
            applies = [
                timeline.of(current_apply.read(one).progress, one.title)
                for one in commands(session)
                if is_stream(one)
            ]
            return export_html.html(
                session, output, clean, applies=[one for one in applies if one.spans], explain=said
            )
        case "cast":
            return cast(session, clean)
        case "json":
            body = {"schema": "ecotui.sessions.handover/1", **export_model.data(session, output, clean)}
            return json.dumps(body, ensure_ascii=False, indent=2) + "\n"
    return export_markdown.markdown(session, output, clean=clean, explain=said)


def library(loaded: Loaded, env: Mapping[str, str]) -> Library | None:
    """The guide that explains; None where it cannot be read: a handover goes out without it."""
    try:
        return open_library(loaded.settings, loaded.project, env)
    except GuideError:
        return None

"""What ecotui is compared with: the smallest Textual app, one Static."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class OneStatic(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("one static")


if __name__ == "__main__":
    OneStatic().run()

"""A report for eyes, for pull requests and for programs: the same numbers, the same words."""

from sidecar_science.reports.render.as_json import render as render_json
from sidecar_science.reports.render.markdown import render as render_markdown
from sidecar_science.reports.render.text import render as render_text

__all__ = ["render_json", "render_markdown", "render_text"]

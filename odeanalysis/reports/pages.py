"""The frame of our HTML pages: one file each, without anything from elsewhere."""

from html import escape

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
td, th { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
pre { background: #f6f6f6; padding: .6rem; overflow-x: auto }
summary { color: #555; cursor: pointer }
.failed { color: #b00020; font-weight: 600 }
h2 { margin-top: 2.5rem }
"""


def page(title: str, body: str) -> str:
    """A page of a title and a body that is HTML."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><h1>{escape(title)}</h1>\n{body}</body></html>\n'

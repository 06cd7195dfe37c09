"""The script of every page: all views in one bundle, and what a site's policy has to allow."""

from __future__ import annotations

import base64
import functools
import hashlib
import re

from circuit_widgets.widgets.base import bundle
from circuit_widgets.widgets.sharing import packed

# A page carries the bundle deflated; this puts it where a browser runs it. The bundle's own hash is
# in the page's policy, so that no other text can be run in this way.
BOOT = """(async () => {
  const packed = document.querySelector("script[data-cw-bundle]").textContent.trim();
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const script = document.createElement("script");
  script.textContent = await new Response(plain).text();
  document.body.append(script);
})();"""

# The page around the views: light or dark as the reader's system is, unless it says which.
SHEET = """:root { color-scheme: light dark; }
:root[data-theme="light"] {
  color-scheme: light; --jp-layout-color0: #ffffff; --jp-ui-font-color1: #1b1f24;
}
:root[data-theme="dark"] {
  color-scheme: dark; --jp-layout-color0: #14181d; --jp-ui-font-color1: #e8eaed;
}
body {
  margin: 0;
  color: var(--jp-ui-font-color1, #1b1f24); background: var(--jp-layout-color0, #ffffff);
  font: 14px / 1.5 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif;
}
@media (prefers-color-scheme: dark) {
  body { color: var(--jp-ui-font-color1, #e8eaed); background: var(--jp-layout-color0, #14181d); }
}
main { max-width: 1500px; margin: 0 auto; padding: 16px; }
main.framed { padding: 0; max-width: none; }
h1 { margin: 0 0 12px; font-size: 20px; line-height: 28px; overflow-wrap: anywhere; }
section { margin: 0 0 20px; }
main.framed section:last-child { margin: 0; }
figure { margin: 0; }
figure img { display: block; max-width: 100%; background: #ffffff; }
pre { margin: 6px 0; font-size: 12px; white-space: pre-wrap; overflow-wrap: anywhere; }
.note { margin: 4px 0 0; font-size: 12px; }"""


def script() -> str:
    """The script that draws the views of a page; it loads nothing itself.

    A page has it inside. A site with many frames (`render_static(script=...)`) writes it once, as a
    file of its own, and every frame reads that.

    >>> import circuit_widgets as cw
    >>> "</script" in cw.export.script().lower()
    False
    """
    # Inside HTML nothing of it may end the element; in JavaScript the two are the same text.
    return re.sub("</(?=script)", r"<\\/", bundle("page"), flags=re.IGNORECASE)


def packed_script() -> str:
    """The bundle as a page carries it."""
    return _packed(script())


@functools.lru_cache(maxsize=2)
def _packed(text: str) -> str:
    return packed(text)


def hash_of(text: str) -> str:
    """A text as a content security policy names it.

    >>> hash_of("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy() -> str:
    """The directives that a site's Content-Security-Policy needs for pages of this version.

    No eval, no inline script but these two texts, no network. The same for every page: only the
    data differ, and those are no script.

    >>> import circuit_widgets as cw
    >>> cw.export.policy().split(" ", 1)[0]
    'script-src'
    """
    return (
        f"script-src {hash_of(BOOT)} {hash_of(script())}; style-src {hash_of(SHEET)}; img-src data:"
    )

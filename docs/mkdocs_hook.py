"""The documents as a site: a hook of MkDocs, which ``mkdocs.yml`` names.

The documents are written to be read in the repository. Here the pages outside of ``docs`` join them, and a link to a
file that is no page leads to the repository; without an address of it (``DOCS_REPOSITORY_URL``) its text is left.
A link to a file that does not exist is kept as it is, and ends the build.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parent.parent
JOINING: Final = {
    "README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "benchmarks/README.md": "benchmarks/README.md",
    "benchmarks/results.md": "benchmarks/results.md",
    "deploy/kubernetes/README.md": "deploy/kubernetes/README.md",
    "deploy/helm/README.md": "deploy/helm/README.md",
}
"""Pages outside of docs: their path in the repository, and in the site."""

_LINK: Final = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)|(?<=\]\()(?P<picture>[^)\s]+)(?=\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages outside of docs."""
    for source, uri in JOINING.items():
        files.append(File.generated(config, uri, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make links between files of the repository links of the site."""
    here = page.file.src_uri
    source = next((path for path, uri in JOINING.items() if uri == here), f"docs/{here}")

    def moved(link: re.Match[str]) -> str:
        target = link["target"] or link["picture"]
        if "://" in target or target.startswith("#"):
            return link[0]
        path, hash_, anchor = target.partition("#")
        in_repository = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        uri = JOINING.get(in_repository, in_repository.removeprefix("docs/"))
        if files.get_file_from_path(uri) and (in_repository in JOINING or in_repository.startswith("docs/")):
            to = posixpath.relpath(uri, posixpath.dirname(here) or ".") + hash_ + anchor
        elif not (ROOT / in_repository).exists():
            return link[0]
        elif config.repo_url:
            to = f"{config.repo_url.rstrip('/')}/blob/main/{in_repository}{hash_}{anchor}"
        else:
            return link["text"] or link[0]
        return to if link["picture"] else f"[{link['text']}]({to})"

    return _LINK.sub(moved, markdown)

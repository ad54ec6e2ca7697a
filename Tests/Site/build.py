"""Puts a site together: an index, the pages of the repository, and an archive of DocC that is there already.

    build.py REPOSITORY SITE ARCHIVE TITLE…      each TITLE is the name of a documented target
"""
import re
import sys
from html import escape
from pathlib import Path

from pages import Pages, frame


def make_movable(archive):
    """Lets the pages of the archive find their parts at any address: DocC writes the address of one server into them."""
    for file in archive.rglob("index.html"):
        depth = len(file.relative_to(archive).parents) - 1
        text = file.read_text(encoding="utf-8")
        base = re.search(r'var baseUrl = "([^"]*)"', text)
        if base is None:
            sys.exit(f"{file} has no `var baseUrl`: this version of DocC writes other pages, see Tests/Site/build.py")
        text = text.replace(base.group(0), "var baseUrl = location.pathname.replace("
                            r"/(documentation|tutorials)(\/.*)?$|[^\/]*$/, '')")
        text = re.sub(r'(href|src)="' + re.escape(base.group(1)), r'\1="' + "../" * depth, text)
        file.write_text(text, encoding="utf-8")


def summary(repository, target):
    """The first sentence of a target's landing page."""
    lines = (repository / f"Sources/{target}/{target}.docc/{target}.md").read_text(encoding="utf-8").splitlines()
    text = next(line for line in lines[1:] if line.strip())
    return re.sub(r"`+([^`]*)`+", r"<code>\1</code>", escape(text))


def index(repository, archive, targets):
    pages = [("README.html", "README", "what it is, a bank, the promises"),
             ("README.ko.html", "README (한국어)", "무엇인지, 은행 예제, 약속"),
             ("docs/learn/README.html", "Learning pages", "from “what is this” to production"),
             ("docs/learn/ko/README.html", "배우기", "처음 보는 분부터 운영까지"),
             ("docs/learn/ten-minutes.html", "Ten minutes", "from zero to a served bank"),
             ("docs/command-line.html", "Command line", "the program sillok"),
             ("docs/server.html", "Server", "HTTP, gRPC, access, dashboard"),
             ("docs/postgresql.html", "PostgreSQL", "a log in a schema of a database"),
             ("docs/stability.html", "Stability", "which formats, protocols and API are stable"),
             ("docs/measurements.html", "Measurements", "what was measured, and how"),
             ("ARCHITECTURE.html", "Architecture", "the targets, and the walk of a command and an event"),
             ("docs/decisions/index.html", "Decisions", "what was decided, and why"),
             ("CHANGELOG.html", "Changes", "what each release changed")]
    rows = [f'<li><a href="{link}">{escape(name)}</a>: {escape(text)}</li>' for link, name, text in pages]
    modules = [f'<tr><td><a href="{archive}/documentation/{name.lower()}/">{name}</a></td>'
               f"<td>{summary(repository, name)}</td></tr>" for name in targets]
    return frame("index.html", "Sillok", "\n".join(
        ["<h1>Sillok</h1>", "<p>Event sourcing and CQRS for Swift.</p>", "<h2>Read</h2>", "<ul>", *rows, "</ul>",
         "<h2>Reference</h2>", "<table>", *modules, "</table>"]))


def main(repository, site, archive, *targets):
    repository, site = Path(repository), Path(site)
    make_movable(site / archive)
    pages = Pages(repository, site, archive)
    pages.waiting.append("docs/decisions")
    broken = pages.write()
    (site / "site.css").write_text((Path(__file__).parent / "site.css").read_text(encoding="utf-8"), encoding="utf-8")
    (site / "index.html").write_text(index(repository, archive, targets), encoding="utf-8")
    for line in broken:
        print(f"broken: {line}: there is no such file in the repository")
    print(f"{len(pages.written)} pages, files and pictures of the repository, {len(targets)} targets")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

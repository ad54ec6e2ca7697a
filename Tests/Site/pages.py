"""Writes the Markdown pages of the repository as HTML, with every file, folder and picture that they link to.

A link into an article of DocC leads to the article in the archive. A linked source file becomes a page that shows it, and
a linked folder becomes a page that lists it, so that the site needs no other server.
"""
import posixpath
import re
import subprocess
from collections import Counter
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt

# What the site shows even if no page links to it. The rest is found by following links.
ROOTS = ["README.md", "README.ko.md", "CHANGELOG.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "docs"]
PICTURES = {".svg", ".png", ".jpg", ".ico"}
ARTICLE = re.compile(r"Sources/(\w+)/\w+\.docc/([\w-]+)\.md")
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def slug(heading):
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def page_of(path):
    """Where the page of a file is. A page that is a picture, or belongs to an archive, has another place."""
    return re.sub(r"\.md$", "", path) + ".html"


class Pages:
    def __init__(self, repository, site, archive):
        self.repository, self.site, self.archive = Path(repository), Path(site), archive
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                cwd=repository, check=True, capture_output=True, text=True).stdout
        self.files = {file for file in listed.split("\0") if file and (self.repository / file).exists()}
        self.folders = {str(parent) for file in self.files for parent in Path(file).parents}
        self.waiting, self.broken = [], []
        self.written = set()

    def write(self):
        """Writes all pages. Returns those links that lead to nothing, as `page: link`."""
        for root in ROOTS:
            self.waiting += sorted(file for file in self.files if file == root or file.startswith(root + "/")
                                   if file.endswith(".md"))
        while self.waiting:
            path = self.waiting.pop()
            if path not in self.written:
                self.written.add(path)
                self.write_one(path)
        return self.broken

    def write_one(self, path):
        if path in self.folders:
            self.put(f"{path}/index.html", path, self.listing(path))
        elif Path(path).suffix in PICTURES:
            target = self.site / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((self.repository / path).read_bytes())
        else:
            try:
                text = (self.repository / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                text = "This file is not a text."
            if path.endswith(".md"):
                title = next((line[2:] for line in text.splitlines() if line.startswith("# ")), path)
                self.put(page_of(path), re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title), self.markdown(path, text))
            else:
                lines = "\n".join(f'<span id="L{number}">{escape(line)}</span>'
                                  for number, line in enumerate(text.splitlines(), 1))
                self.put(page_of(path), path, f"<h1>{escape(path)}</h1>\n<pre class=source>{lines}</pre>")

    def put(self, place, title, body):
        target = self.site / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(frame(place, title, body), encoding="utf-8")

    def listing(self, path):
        """A page of the files and folders in a folder, after its README."""
        prefix = path + "/"
        names = sorted({file[len(prefix):].split("/")[0] for file in self.files if file.startswith(prefix)})
        items = [f'<li><a href="{self.place(f"{path}/index.html", prefix + name)}">'
                 f'{escape(name)}{"/" if prefix + name in self.folders else ""}</a></li>' for name in names]
        return f"<h1>{escape(path)}</h1>\n<ul>\n" + "\n".join(items) + "\n</ul>"

    def markdown(self, path, text):
        tokens = MARKDOWN.parse(text)
        seen = Counter()
        for index, token in enumerate(tokens):
            if token.type == "heading_open":
                parts = tokens[index + 1].children or []
                name = slug("".join(part.content for part in parts if part.type in ("text", "code_inline")))
                token.attrSet("id", name if not seen[name] else f"{name}-{seen[name]}")
                seen[name] += 1
            for part in token.children or []:
                attribute = {"link_open": "href", "image": "src"}.get(part.type)
                if attribute:
                    part.attrSet(attribute, self.link(path, str(part.attrGet(attribute))))
        return MARKDOWN.renderer.render(tokens, MARKDOWN.options, {})

    def link(self, path, link):
        """A link of a file, as the site needs it."""
        if re.match(r"[a-z]+:", link) or link.startswith("#"):
            return link
        target, _, anchor = unquote(link).partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)).rstrip("/")
        if target not in self.files and target not in self.folders:
            self.broken.append(f"{path}: {link}")
            return link
        return self.place(page_of(path), target) + (f"#{quote(anchor)}" if anchor else "")

    def place(self, page, target):
        """The link from a page of the site to the place of a file, which is written if it is not yet."""
        article = ARTICLE.fullmatch(target)
        if article:
            module, name = article.groups()
            place = f"{self.archive}/documentation/{module.lower()}/"
            if name != module:
                place += name.lower() + "/"
            return quote(posixpath.relpath(place, posixpath.dirname(page) or ".")) + "/"
        self.waiting.append(target)
        if target in self.folders:
            place = f"{target}/index.html"
        else:
            place = target if Path(target).suffix in PICTURES else page_of(target)
        return quote(posixpath.relpath(place, posixpath.dirname(page) or "."))


def frame(place, title, body):
    """A page of the site around its content."""
    root = "../" * place.count("/")
    language = "ko" if "/ko/" in f"/{place}" or ".ko." in place else "en"
    links = [("index.html", "Sillok"), ("docs/learn/README.html", "Learn"), ("docs/learn/ko/README.html", "배우기"),
             ("README.html", "README"), ("CHANGELOG.html", "Changes")]
    menu = " ".join(f'<a href="{root}{target}">{name}</a>' for target, name in links)
    return (f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width,initial-scale=1">\n'
            f'<title>{escape(title)}</title>\n<link rel="stylesheet" href="{root}site.css">\n</head>\n<body>\n'
            f'<nav>{menu}</nav>\n<main>\n{body}\n</main>\n</body>\n</html>\n')

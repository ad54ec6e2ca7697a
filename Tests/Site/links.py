"""Checks every link of a site: of its pages to files and anchors, and of the archives of DocC to pages and headings.

    links.py SITE ARCHIVE      prints each broken link, and how many links there are

Links to other hosts are counted and not followed.
"""
import json
import posixpath
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links and the anchors of an HTML page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.links, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value is not None:
                self.links.append(value)
            elif name in ("id", "name") and tag != "meta":
                self.anchors.add(value)


class Archive:
    """What DocC wrote: a file of data for each page, from which its JavaScript makes the page."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.data = {}

    def page(self, url):
        """The data of a page such as `/documentation/sillok`, or nothing."""
        if url not in self.data:
            file = self.folder / f"data{url}.json"
            self.data[url] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
        return self.data[url]

    def anchors(self, url):
        """The anchors of a page: its headings, and the sections that DocC adds."""
        found = {"app-top"}

        def collect(value):
            if isinstance(value, dict):
                if isinstance(value.get("anchor"), str):
                    found.add(value["anchor"])
                for part in value.values():
                    collect(part)
            elif isinstance(value, list):
                for part in value:
                    collect(part)

        page = self.page(url) or {}
        collect({key: value for key, value in page.items() if key != "references"})
        for section in page.get("topicSections", []) + page.get("seeAlsoSections", []):
            found.add(section.get("title", "").replace(" ", "-"))
        return found

    def leads_somewhere(self, url):
        """Whether a link `/documentation/…#anchor` of the archive leads to a page and a heading of it."""
        path, _, anchor = url.partition("#")
        path = path.rstrip("/").lower()
        if self.page(path) is None or not (self.folder / path[1:] / "index.html").is_file():
            return False
        return not anchor or unquote(anchor) in self.anchors(path)

    def check(self, report):
        """Reports each broken link of all pages. Returns the number of links."""
        count = 0
        for file in sorted(self.folder.glob("data/**/*.json")):
            page = json.loads(file.read_text(encoding="utf-8"))
            name = str(file.relative_to(self.folder))
            references = page.get("references", {})
            for reference in references.values():
                for url in self.targets(reference):
                    count += 1
                    if url is not None and not self.is_good(url):
                        report(name, url)
            for identifier in self.used(page):
                count += 1
                if identifier not in references:
                    report(name, identifier)
        for url in self.indexed():
            count += 1
            if not self.leads_somewhere(url):
                report("index/index.json", url)
        return count

    def is_good(self, url):
        if urlsplit(url).scheme:
            return True
        if url.startswith(("/documentation", "/tutorials")):
            return self.leads_somewhere(url)
        # A picture, a video or a download.
        return (self.folder / unquote(url).lstrip("/")).is_file()

    @staticmethod
    def targets(reference):
        if "url" in reference:
            yield reference["url"]
        for variant in reference.get("variants", []):
            yield variant["url"]

    def used(self, value):
        """The identifiers of the references in a page's text."""
        if isinstance(value, dict):
            if value.get("type") == "reference" and value.get("isActive", True):
                yield value["identifier"]
            for key, part in value.items():
                if key != "references":
                    yield from self.used(part)
            if "identifiers" in value and isinstance(value["identifiers"], list):
                yield from (item for item in value["identifiers"] if isinstance(item, str))
        elif isinstance(value, list):
            for part in value:
                yield from self.used(part)

    def indexed(self):
        """The links of the list of all pages at the side."""
        file = self.folder / "index" / "index.json"
        waiting = [json.loads(file.read_text(encoding="utf-8"))["interfaceLanguages"]] if file.is_file() else []
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                if "path" in value and not value.get("external"):
                    yield value["path"]
                waiting += value.values()
            elif isinstance(value, list):
                waiting += value


def check_pages(site, archive, report):
    """Reports each broken link of the pages outside the archive. Returns the number of links and of foreign ones."""
    files = [file for file in sorted(site.rglob("*.html")) if archive.folder not in file.parents]
    pages = {file: Page(file.read_text(encoding="utf-8")) for file in files}
    count = foreign = 0
    for file, page in pages.items():
        for link in page.links:
            count += 1
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                foreign += 1
                continue
            target = Path(posixpath.normpath(file.parent / unquote(parts.path))) if parts.path else file
            anchor = unquote(parts.fragment)
            if archive.folder in target.parents:
                url = "/" + target.relative_to(archive.folder).as_posix()
                good = archive.leads_somewhere(url + (f"#{anchor}" if anchor else ""))
            else:
                target = target / "index.html" if target.is_dir() else target
                known = pages[target].anchors if target in pages else set()
                good = target.is_file() and site in target.parents and (not anchor or anchor in known)
            if not good:
                report(file.relative_to(site), link)
    return count, foreign


def check_shells(archive, report):
    """Reports each script, style and icon that a page of the archive needs and that is missing."""
    count = 0
    for file in archive.folder.glob("documentation/**/index.html"):
        for link in Page(file.read_text(encoding="utf-8")).links:
            count += 1
            if not Path(posixpath.normpath(file.parent / link)).is_file():
                report(file.relative_to(archive.folder), link)
    return count


def main(site, archive_name):
    site = Path(site).resolve()
    archive = Archive(site / archive_name)
    broken = []

    def report(place, link):
        broken.append(f"{place}: {link}")

    count, foreign = check_pages(site, archive, report)
    in_archive = archive.check(report) + check_shells(archive, report)
    for line in broken[:200]:
        print(f"broken: {line}")
    print(f"{count} links of pages ({foreign} of them to other hosts, not followed), {in_archive} links of the reference, "
          f"{len(broken)} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))

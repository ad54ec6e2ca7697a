"""Plants broken links in copies of a site, one kind each, and fails if the check of links does not find one of them.

    prove.py SITE ARCHIVE
"""
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECK = Path(__file__).parent / "links.py"


def planted_in(text):
    def change(folder):
        page = folder / "README.html"
        page.write_text(page.read_text(encoding="utf-8").replace("</main>", text + "</main>"), encoding="utf-8")
    return change


def in_article(folder, archive):
    """A link of an article of the reference to an article that does not exist."""
    file = folder / archive / "data/documentation/sillok/deciding.json"
    page = json.loads(file.read_text(encoding="utf-8"))
    page["references"]["planted"] = {"type": "topic", "url": "/documentation/sillok/nowhere"}
    file.write_text(json.dumps(page), encoding="utf-8")


def check(folder, archive):
    return subprocess.run([sys.executable, CHECK, folder, archive], capture_output=True, text=True)


def main(site, archive):
    plants = {
        "a page that does not exist": planted_in('<a href="docs/nowhere.html">x</a>'),
        "an anchor that does not exist": planted_in('<a href="docs/server.html#nowhere">x</a>'),
        "a picture that does not exist": planted_in('<img src="docs/pictures/nowhere.svg" alt="x">'),
        "an article of the reference that does not exist": planted_in(
            f'<a href="{archive}/documentation/sillok/nowhere/">x</a>'),
        "a heading of the reference that does not exist": planted_in(
            f'<a href="{archive}/documentation/sillok/deciding/#nowhere">x</a>'),
        "a link in an article of the reference": lambda folder: in_article(folder, archive),
        "a file that is lost": lambda folder: (folder / "docs/learn/glossary.html").unlink(),
    }
    sound = check(site, archive)
    if sound.returncode:
        sys.exit("The site has broken links before any is planted:\n" + sound.stdout)
    failed = 0
    for name, plant in plants.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "site"
            shutil.copytree(site, folder)
            plant(folder)
            result = check(folder, archive)
            found = [line for line in result.stdout.splitlines() if line.startswith("broken:")]
            failed += not (result.returncode and found)
            print(f"{'found' if found else 'NOT FOUND'}: {name}" + (f" ({found[0]})" if found else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))

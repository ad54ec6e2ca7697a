"""The texts of the dashboard: every table has the same keys and places for values, every text that a page shows is in the
tables, and every text of the tables is used. Reads the files only, and needs no browser."""

import html.parser
import os
import re
import sys

assets = os.path.join(os.path.dirname(__file__), "../../Sources/SillokServer/Dashboard/Assets")
languages = ["en", "ko"]
hangul = re.compile("[\uac00-\ud7a3]")

# Functions that show their arguments, from the given one on, and properties whose values are shown.
showing = {"h": 2, "svg": 2, "link": 1, "card": 0, "nothing": 0, "toast": 0, "facts": 0}
seen = set("title label text action empty placeholder aria-label hint cell textContent".split())
# Functions whose arguments are names for the program, and properties whose values are.
naming = set("""t parts word h svg get send path link route querySelector querySelectorAll getElementById addEventListener
    startsWith endsWith includes split join replace replaceAll closest""".split())
named = set("class type role href d transform headers viewBox key state".split())
# Parts of the classes of elements that are in lists.
classes = set("input quiet result good bad warn step deadline fired act".split())
# Names that are the same in all languages.
names = set("Sillok UTC Problem p99 URL GET Accept Enter Space Esc KiB MiB GiB TiB B g j k l".split())
names |= {"v", "g ", "read subscribe", "(prefers-color-scheme: dark)", "Sillok-Guard", "Content-Type", "application/json", "webhook-id", "sillok_…", "2027-01-01T00:00:00Z"}


def tokens(text):
    """Kinds, values and lines of the tokens of a script. A template is a token for each of its parts."""
    place, line, before, depth = 0, 1, "", []
    while place < len(text):
        rest = text[place:]
        if found := re.match(r"\s+|//[^\n]*|/\*.*?\*/", rest, re.S):
            pass
        elif found := re.match(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', rest):
            yield "text", found.group()[1:-1], line
            before = "text"
        elif (rest[0] == "`") or (rest[0] == "}" and depth and depth[-1] == 0):
            if rest[0] == "}":
                depth.pop()
            found = re.match(r"[`}]((?:[^`\\$]|\\.|\$(?!\{))*)(`|\$\{)", rest, re.S)
            yield "template", found.group(1), line
            if found.group(2) == "${":
                depth.append(0)
            before = "text" if found.group(2) == "`" else "("
        elif rest[0] == "/" and before not in ("text", "name", ")", "]") and (found := re.match(r"/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\]|\\.)*\])+/\w*", rest)):
            yield "pattern", found.group(), line
            before = "text"
        elif found := re.match(r"[\w$#]+", rest):
            yield "name", found.group(), line
            before = "(" if found.group() in ("return", "of", "in", "case", "typeof") else "name"
        else:
            found = re.match(r"===|!==|=>|\?\?|\?\.|\.\.\.|.", rest, re.S)
            if depth and found.group() == "{":
                depth[-1] += 1
            if depth and found.group() == "}":
                depth[-1] -= 1
            yield "sign", found.group(), line
            before = found.group()
        line += found.group().count("\n")
        place += found.end()


def shown(text):
    """The places of texts in a script that are in no table: arguments that are shown, and what reads like a text."""
    all_tokens = [("sign", "", 0), *tokens(text), ("sign", "", 0)]
    frames, ends = [], closings(all_tokens)
    for index, (kind, value, line) in enumerate(all_tokens[1:-1], 1):
        (before, was), after = all_tokens[index - 1][:2], all_tokens[index + 1][1]
        if kind == "sign" and value and value in "([{":
            frames.append({"sign": value, "call": was if value == "(" and before == "name" else "", "part": 0, "key": "",
                           "isList": value == "[" and all_tokens[min(ends.get(index, 0) + 1, len(all_tokens) - 1)][1] == "."})
        elif kind == "sign" and value in ")]}" and frames:
            frames.pop()
        elif kind == "sign" and value == "," and frames:
            frames[-1]["part"] += 1
        elif after == ":" and was in ("{", ",") and frames and frames[-1]["sign"] == "{":
            frames[-1]["key"] = value
        elif kind in ("text", "template") and is_shown(value, frames, was, after):
            yield line, value


def closings(all_tokens):
    """The place of the closing bracket of each opening one."""
    ends, opened = {}, []
    for index, (kind, value, _) in enumerate(all_tokens):
        if kind == "sign" and value and value in "([{":
            opened.append(index)
        elif kind == "sign" and value and value in ")]}" and opened:
            ends[opened.pop()] = index
    return ends


def is_shown(value, frames, before, after):
    words = re.sub(r"\\u[0-9A-F]{4}|\\n", " ", value).strip()
    if value in names or not re.search(r"[^\W\d_]", words) or before in ("===", "!==", "from", "import") or after in ("===", "!=="):
        return False
    if after == ".":
        return False
    for frame in reversed(frames):
        if frame["isList"]:
            break
        if frame["sign"] == "{":
            if frame["key"] in named:
                return False
            if frame["key"] in seen:
                return True
            break
        if frame["call"] in showing and frame["part"] >= showing[frame["call"]]:
            return True
        if frame["call"] in naming:
            return False
        if frame["call"]:
            break
    is_command = words.startswith(("curl ", "-H '", "-d '"))
    is_name = re.fullmatch(r"[\w.-]+|[\w-]+ [a-z]", words) and not re.match(r"[A-Z][a-z]", words)
    is_class = set(words.split()) <= classes
    return not (is_command or is_name or is_class or re.fullmatch(r"\S*[/#?(]\S*", words))


class Markup(html.parser.HTMLParser):
    """The texts of a page's own markup, without those for browsers that have no scripts."""

    def __init__(self):
        super().__init__()
        self.found, self.open = [], []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "link", "img", "input", "br"):
            self.open.append(tag)
        self.found += [value for name, value in attributes if name in ("aria-label", "title", "placeholder", "alt") and value]

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, data):
        if re.search(r"[^\W\d_]", data) and "noscript" not in self.open and data.strip() not in ("Sillok", "openapi.json"):
            self.found.append(data.strip())


def table(language):
    """The texts of a language by their keys."""
    texts = {}
    for name in sorted(os.listdir(assets)):
        if not re.fullmatch(rf"texts-{language}(-\w+)?\.js", name):
            continue
        key = None
        for kind, value, _ in tokens(read(name)):
            if kind == "text" and re.fullmatch(r"[a-z]\w*(\.\w+)+", value) and (key is None or isKey(value, texts)):
                key = value
                assert key not in texts, f"{name} has the key {key} twice"
                texts[key] = []
            elif kind == "text" and key:
                texts[key].append(value)
    return {key: "".join(parts) for key, parts in texts.items()}


def isKey(value, texts):
    return value.split(".")[0] in {key.split(".")[0] for key in texts} or not texts or " " not in value


def read(name):
    with open(os.path.join(assets, name), encoding="utf-8") as file:
        return file.read()


def used(scripts):
    """The texts of scripts, any of which may be a key, the keys that they certainly use, and patterns of those they make."""
    texts, keys, patterns = set(), set(), set()
    for script in scripts:
        texts |= {value for kind, value, _ in tokens(script) if kind == "text"}
        keys |= set(re.findall(r'\b(?:t|parts)\("([\w.]+)"', script))
        for made in re.findall(r"\b(?:t|parts)\(`([^`]+)`", script):
            patterns.add("[^.]+".join(re.escape(part) for part in re.split(r"\$\{[^}]*\}", made)))
        for group in re.findall(r'\bword\("([\w.]+)"', script):
            patterns.add(re.escape(group) + r"\.\w+")
        for group in re.findall(r"\bword\(`([\w.]+)\$\{\w+\}`", script):
            patterns.add(re.escape(group) + r"\w+\.\w+")
    return texts, keys, patterns - {r"[^.]+\.[^.]+"}


def compared(tables):
    """The differences between the tables of two languages."""
    (first, english), (second, other) = tables.items()
    for key in sorted(english.keys() ^ other.keys()):
        yield f"{key} is only in the table of {first if key in english else second}"
    for key in sorted(english.keys() & other.keys()):
        values = [set(re.findall(r"\{\w+\}", texts[key])) for texts in (english, other)]
        if values[0] != values[1]:
            yield f"{key} has other values in one language: {values}"
        if hangul.search(english[key]) and key != "frame.language":
            yield f"{key} is Korean in the table of English"


def findings():
    tables = {language: table(language) for language in languages}
    yield from compared(tables)
    names = [name for name in sorted(os.listdir(assets)) if name.endswith(".js") and not name.startswith("texts-")]
    scripts = {name: read(name) for name in names}
    for name, text in scripts.items():
        for line, value in shown(text):
            yield f"{name}:{line} shows a text that is in no table: {value!r}"
    for name in ["index.html", "docs.html"]:
        page = Markup()
        page.feed(read(name))
        for value in page.found:
            yield f"{name} shows a text that is in no table: {value!r}"
    markup = set(re.findall(r'data-(?:label-)?text="([\w.]+)"', read("index.html") + read("docs.html")))
    texts, keys, patterns = used(scripts.values())
    for key in sorted((keys | markup) - tables["en"].keys()):
        yield f"no table has the key {key}"
    for key in sorted(tables["en"].keys() - texts - markup):
        if not any(re.fullmatch(pattern, key) for pattern in patterns):
            yield f"nothing shows the text {key}"


def controls():
    """The test finds what it looks for."""
    planted = 'show(h("p", { class: "note" }, "Look here"), h("input", { placeholder: `a ${name}` }))'
    assert [value for _, value in shown(planted)] == ["Look here", "a "], list(shown(planted))
    assert not list(shown('show(h("p", { class: "note" }, t("page.next")))'))
    english = {"page.next": "Further", "page.first": "From {n}"}
    assert list(compared({"en": english, "ko": {"page.next": "다음"}})) == ["page.first is only in the table of en"]
    assert len(list(compared({"en": english, "ko": {"page.next": "다음", "page.first": "처음"}}))) == 1


controls()
found = list(findings())
for finding in found:
    print(finding, file=sys.stderr)
assert not found, f"{len(found)} texts are wrong"
print(f"texts: {len(table('en'))} in {len(languages)} languages, all in the tables")

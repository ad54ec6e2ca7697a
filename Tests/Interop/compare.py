"""Runs the library's test cases against UmaDB and against us, on a file and on a folder: what passes there must pass here."""
import os
import subprocess
import sys
import tempfile


def start(kind: str, store: str = "") -> tuple[subprocess.Popen, str]:
    log = tempfile.mktemp(prefix=f"interop-{kind}-", suffix=".log")
    command = [sys.executable, os.path.join(os.path.dirname(__file__), "library_cases.py")]
    with open(log, "wb") as output:
        environment = {**os.environ, "TARGET": kind, "STORE": store}
        return subprocess.Popen(command, stdout=output, stderr=output, env=environment), log


def outcomes(process: subprocess.Popen, log: str) -> tuple[dict[str, str], str]:
    process.wait(timeout=550)
    with open(log, errors="replace") as f:
        text = f.read()
    os.unlink(log)
    lines = [line[line.index("OUTCOME ") :].split() for line in text.splitlines() if "OUTCOME " in line]
    return {name: word for _, word, name in lines}, text


started = [start("sillok", "store.sqlite"), start("sillok", "bank.sillok"), start("umadb")]
(file, file_log), (folder, folder_log), (peer, _) = [outcomes(*one) for one in started]
for name in sorted(file | folder | peer):
    print(f"{file.get(name, '-'):8}{folder.get(name, '-'):8}{peer.get(name, '-'):8}{name}")
passed = [sum(word == "passed" for word in words.values()) for words in (file, folder, peer)]
print("library: {} passed here on a file, {} on a folder, {} on UmaDB".format(*passed))
for place, ours, log in [("a file", file, file_log), ("a folder", folder, folder_log)]:
    worse = [name for name, word in peer.items() if word == "passed" and ours.get(name) != "passed"]
    if worse or len(ours) != len(peer) or not ours:
        print(log[-6000:])
        sys.exit(f"these pass against UmaDB and not here, on {place}: " + ", ".join(worse))

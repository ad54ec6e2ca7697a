"""Runs the library's test cases against UmaDB and against us: what passes there must pass here."""
import os
import subprocess
import sys
import tempfile


def start(kind: str) -> tuple[subprocess.Popen, str]:
    log = tempfile.mktemp(prefix=f"interop-{kind}-", suffix=".log")
    command = [sys.executable, os.path.join(os.path.dirname(__file__), "library_cases.py")]
    with open(log, "wb") as output:
        environment = {**os.environ, "TARGET": kind}
        return subprocess.Popen(command, stdout=output, stderr=output, env=environment), log


def outcomes(process: subprocess.Popen, log: str) -> tuple[dict[str, str], str]:
    process.wait(timeout=550)
    with open(log, errors="replace") as f:
        text = f.read()
    os.unlink(log)
    lines = [line[line.index("OUTCOME ") :].split() for line in text.splitlines() if "OUTCOME " in line]
    return {name: word for _, word, name in lines}, text


ours, peer = start("sillok"), start("umadb")
(ours, our_log), (peer, peer_log) = outcomes(*ours), outcomes(*peer)
for name in sorted(ours | peer):
    print(f"{ours.get(name, '-'):8}{peer.get(name, '-'):8}{name}")
worse = [name for name, word in peer.items() if word == "passed" and ours.get(name) != "passed"]
print(f"library: {sum(w == 'passed' for w in ours.values())} passed here, {sum(w == 'passed' for w in peer.values())} there")
if worse or len(ours) != len(peer) or not ours:
    print(our_log[-6000:])
    sys.exit("these pass against UmaDB and not here: " + ", ".join(worse))

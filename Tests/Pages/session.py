"""Executes the commands of a page's blocks of the kind `session`, in order, and compares what they print.

A command begins with `$ `; the lines below it are its output. `…` stands for any text in a line, and a line `…` for any
number of lines. A command that ends with `&` runs until the page ends, and must print its lines within half a minute.

    session.py PAGE FOLDER [PAGE…]      SESSION_PATH is put before PATH; further pages must have the same commands
"""

import os
import re
import signal
import subprocess
import sys
import time


def commands(path):
    """The commands of a page: line, text, expected output."""
    found, inside = [], False
    for number, line in enumerate(open(path, encoding="utf-8").read().split("\n"), 1):
        if line.startswith("```"):
            inside = line == "```session"
        elif inside and line.startswith("$ "):
            found.append((number, line[2:], []))
        elif inside and found:
            found[-1][2].append(line)
    return found


def pattern(lines):
    """A regular expression of the expected lines."""
    parts = []
    for line in lines:
        if line == "…":
            parts.append(r"(?:[^\n]*\n)*")
        else:
            parts.append(".*".join(re.escape(part) for part in line.split("…")) + r"\n")
    return re.compile("".join(parts))


def whole(text):
    return text if not text or text.endswith("\n") else text + "\n"


class Session:
    def __init__(self, folder):
        self.folder, self.running = folder, []
        self.environment = dict(os.environ, NO_COLOR="1")
        if "SESSION_PATH" in os.environ:
            self.environment["PATH"] = os.environ["SESSION_PATH"] + ":" + os.environ["PATH"]

    def run(self, command, expected):
        """Runs a command and returns its output, or what was wrong with it."""
        if command.startswith("cd "):
            self.folder = os.path.join(self.folder, command[3:])
            return ""
        options = dict(shell=True, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, text=True)
        if not command.endswith("&"):
            # Notes and progress go to the standard error, which a page does not show. swift test prints results there.
            errors = subprocess.STDOUT if command.startswith("swift test") else subprocess.PIPE
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, timeout=1200, **options)
            if done.returncode and done.stderr:
                sys.stderr.write(done.stderr)
            warnings = [line for line in (done.stdout + (done.stderr or "")).split("\n") if "warning:" in line]
            if command.startswith("swift") and warnings:
                sys.exit(f"`{command}` has warnings:\n" + "\n".join(warnings))
            return whole(done.stdout)
        output = open(os.path.join(self.folder, ".session-output"), "w+", encoding="utf-8")
        self.running.append(
            subprocess.Popen("exec " + command[:-1], stdout=output, stderr=subprocess.DEVNULL, **options))
        for _ in range(300):
            output.seek(0)
            text = output.read()
            if pattern(expected).fullmatch(whole(text)) or self.running[-1].poll() is not None:
                break
            time.sleep(0.1)
        return whole(text)

    def end(self):
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.wait(timeout=30)


def main():
    page, session, begin = sys.argv[1], Session(sys.argv[2]), time.time()
    found = commands(page)
    if not found:
        sys.exit(f"{page} has no commands")
    for other in sys.argv[3:]:
        if [one[1:] for one in commands(other)] != [one[1:] for one in found]:
            sys.exit(f"{other} has other commands or outputs than {page}")
    try:
        for line, command, expected in found:
            start = time.time()
            output = session.run(command, expected)
            print(f"{time.time() - start:7.1f} s  {command}", flush=True)
            if not pattern(expected).fullmatch(output):
                sys.exit(f"{page}:{line}: `{command}` does not print what the page says.\n--- the page\n"
                         + "\n".join(expected) + "\n--- the command\n" + output)
    finally:
        session.end()
    print(f"{page}: {len(found)} commands print what the page says, {time.time() - begin:.0f} s")


main()

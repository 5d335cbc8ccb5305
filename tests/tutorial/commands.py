"""Runs the commands of a page in one shell after the other, as a reader's two terminals."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import page

STATE = "/run/page-state"
LIMIT = 600  # seconds for one block
# Before and after each command of a block: its number, and how it went.
MARK = re.compile(r"^\x01(\w+) (\d+) (\d+) ([\d.]+)$")


class Failed(Exception):
    """A command or an output of the page that did not come true."""


def script(commands, keep):
    """A shell script that runs the commands where the last block has left off, stops at the first that fails, and marks
    in its output where each begins and ends."""
    lines = ["set -a", f"[ ! -e {STATE} ] || . {STATE}"]
    for number, command in enumerate(commands):
        lines.append(f"printf '\\001begin {number} 0 %s\\n' $EPOCHREALTIME")
        lines.append(command)
        lines.append("__rc=$?")
        lines.append(f"printf '\\001end {number} %s %s\\n' $__rc $EPOCHREALTIME")
        lines.append("[ $__rc = 0 ] || exit $__rc")
    if keep:
        lines.append(f"{{ declare -px; declare -f; printf 'cd %q\\n' \"$PWD\"; umask -p; }} >{STATE}")
    return "\n".join(lines)


class Terminal:
    """A block's commands while they run."""

    def __init__(self, world, block, keep=True):
        self.block, self.commands = block, page.commands(block.lines)
        self.output = world.folder / f"output-{block.line}"
        with open(self.output, "wb") as file:
            argv = world.enter("this machine", "bash", "-c", script(self.commands, keep))
            streams = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": subprocess.STDOUT}
            self.process = subprocess.Popen(argv, cwd="/", **streams)
        self.began, self.taken, self.reported = time.time(), 0, set()

    def read(self):
        """The lines printed so far, without marks; new marks are reported."""
        lines, begun = [], {}
        for line in self.output.read_text(errors="replace").splitlines():
            mark = MARK.match(line)
            if not mark:
                lines.append(line)
            elif mark[1] == "begin":
                begun[int(mark[2])] = float(mark[4])
            elif int(mark[2]) not in self.reported:
                number, code = int(mark[2]), int(mark[3])
                self.reported.add(number)
                sign, end = ("ok  ", "") if code == 0 else ("FAIL", f"   (exit code {code})")
                print(f"{sign} {float(mark[4]) - begun[number]:7.2f} s  $ {self.commands[number]}{end}", flush=True)
        return lines

    def finish(self):
        """Waits for the end; a command that fails is an error."""
        try:
            code = self.process.wait(max(1.0, self.began + LIMIT - time.time()))
        except subprocess.TimeoutExpired:
            raise Failed(f"still running after {LIMIT} s:\n{self.tail()}") from None
        lines = self.read()
        if code != 0:
            raise Failed(f"exit code {code}:\n" + "\n".join(lines[-40:]))
        return lines

    def tail(self):
        """The last lines printed."""
        return "\n".join(self.read()[-40:])

    def wait_for(self, expected):
        """Waits until the expected lines are there, while the command goes on."""
        while True:
            lines = self.read()[self.taken :]
            ended = self.process.poll() is not None
            try:
                taken, _ = page.match(expected, lines)
                self.taken += taken
                return lines
            except page.Missing as missing:
                if ended or time.time() > self.began + LIMIT:
                    raise Failed(f"{missing}\n{self.tail()}") from None
            time.sleep(0.1)

    def compare(self, expected):
        """Compares what was printed since the last look with the expected lines; nothing may be left over."""
        lines = self.finish()[self.taken :]
        try:
            taken, open_end = page.match(expected, lines)
        except page.Missing as missing:
            raise Failed(f"{missing}\nall of it:\n" + "\n".join(lines)) from None
        if taken < len(lines) and not open_end:
            raise Failed(f"not on the page: {lines[taken]}\nall of it:\n" + "\n".join(lines))
        return lines

    def interrupt(self):
        """Ctrl-C for the program that runs in front."""
        for pid in descendants(self.process.pid):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "cutover":
                os.kill(pid, signal.SIGINT)


def descendants(pid):
    """Process ids below a process."""
    try:
        below = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return below + [deeper for child in below for deeper in descendants(child)]

"""The page as a list of things to do: commands, files, statements, and outputs to expect."""

import re
from dataclasses import dataclass, field

FENCE = re.compile(r"^```(\w*)$")
# a block's first or second line that names a file: `# new-host: /etc/x.cnf`; without a machine it is the reader's
FILE = re.compile(r"^(?:#|//|--) (?:(this machine|old-host|new-host): )?(\S*[./]\S*)$")
SERVER = re.compile(r"^-- (old-host|new-host)$")


@dataclass
class Block:
    """A fenced block."""

    line: int
    language: str
    before: str  # the text since the block before
    lines: list = field(default_factory=list)

    @property
    def text(self):
        """Its lines."""
        return "\n".join(self.lines) + "\n"

    @property
    def file(self):
        """The machine and the path of the file that it is, if it is one."""
        for line in self.lines[:2]:
            if found := FILE.match(line):
                return found[1] or "this machine", found[2]
        return None

    @property
    def server(self):
        """The host on whose server the statements are to be executed."""
        found = SERVER.match(self.lines[0])
        return found and found[1]

    def speaks_of(self, words):
        """Whether the text before the block says so."""
        return words in " ".join(self.before.split())


def read(path):
    """All fenced blocks of a page, in order."""
    blocks, block, before = [], None, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if block is None and fence and fence[1]:
            block = Block(number, fence[1], "\n".join(before))
            before = []
        elif block is not None and line == "```":
            blocks.append(block)
            block = None
        elif block is not None:
            block.lines.append(line)
        elif line.startswith("```"):
            raise SystemExit(f"{path}:{number}: a block names its language")
        else:
            before.append(line)
    if block is not None:
        raise SystemExit(f"{path}:{block.line}: this block has no end")
    return blocks


def commands(lines):
    """The commands of a `sh` block, each with its continued lines and without comments of their own line."""
    found, open_line = [], False
    for line in lines:
        if open_line:
            found[-1] += "\n" + line
        elif line.strip() and not line.startswith("#"):
            found.append(line)
        open_line = line.endswith(("\\", "|"))
    return found


# What differs from run to run: run ids, times of day, hashes, binlog positions, durations and other numbers.
VARIABLE = re.compile(
    r"\b\d{8}-\d{6}-[0-9a-f]{4,8}\b|\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\b"
    r"|\b(?=[0-9a-f]*\d)[0-9a-f]{8,64}\b|\d+(?:[.,]\d+)*"
)


def pattern(line):
    """A line of the page as a regular expression: `...` stands for anything, any number but 0 for any number."""
    out = []
    for number, part in enumerate(re.split(r" ?\.\.\. ?", " ".join(line.split()))):
        out.append(".*" if number else "")
        at = 0
        for found in VARIABLE.finditer(part):
            out.append(re.escape(part[at : found.start()]))
            out.append("0" if found[0] == "0" else VARIABLE.pattern)
            at = found.end()
        out.append(re.escape(part[at:]))
    return re.compile("".join(f"(?:{part})" if "|" in part else part for part in out))


class Missing(Exception):
    """A line of the page that the program did not print."""


def match(expected, printed):
    """Finds the expected lines among the printed ones, in order and without a gap but for `...` lines; returns how many
    printed lines that took. The first line may come after others only below `...`."""
    at, gap = 0, False
    for line in expected:
        if line.strip() == "...":
            gap = True
            continue
        wanted = pattern(line)
        while at < len(printed) and not wanted.fullmatch(" ".join(printed[at].split())):
            if not gap:
                raise Missing(f"expected: {line}\nprinted:  {printed[at]}")
            at += 1
        if at == len(printed):
            raise Missing(f"expected: {line}\nand nothing like it was printed")
        at, gap = at + 1, False
    return at, gap

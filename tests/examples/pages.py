"""Pages as a reader follows them: their blocks, the commands in them, and whether what is printed is what is shown."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import attrs
from redis import Redis

from sidecar_science.journal.embedded import tied

ROOT = pathlib.Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = re.compile(r"\b(?:639|8[1-4]0)\d\b")
_BIN = pathlib.Path(sys.executable).parent


@attrs.frozen
class Block:
    """A fenced block. ``file`` is the name in backticks at the end of the line before it, if there is one."""

    language: str
    text: str
    file: str | None
    line: int


@attrs.frozen
class Command:
    """A command line, what the page shows below it, and the exit code (``$ echo $?``)."""

    line: str
    shown: str
    code: int


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [_block(page, found) for found in FENCE.finditer(page)]


def _block(page: str, found: re.Match[str]) -> Block:
    before = page[: found.start()].rstrip().rpartition("\n")[2]
    name = re.search(r"`([\w/]+\.\w+)`:?$", before)
    return Block(found[1], found[2], name[1] if name else None, page.count("\n", 0, found.start()) + 1)


def commands(console: str) -> list[Command]:
    """The commands of a console block. A line that ends with a backslash goes on."""
    found: list[Command] = []
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        line, _, shown = part.replace("\\\n", " ").partition("\n")
        if line == "echo $?":
            found[-1] = attrs.evolve(found[-1], code=int(shown))
        else:
            found.append(Command(line, shown, 0))
    return found


def missing(printed: str, shown: str) -> str | None:
    """The first line of ``shown`` that ``printed`` does not bear out, or None when it is what the page shows.

    On a page ``…`` stands for anything in a line, and a line ``...`` for any lines.
    """
    printed = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    lines = shown.splitlines()
    if re.fullmatch(_pattern(lines), printed):
        return None
    borne_out = sum(bool(re.match(_pattern(lines[: count + 1]), printed)) for count in range(len(lines)))
    return lines[borne_out] if borne_out < len(lines) else "(nothing more)"


def _pattern(lines: list[str]) -> str:
    return "".join(
        r"(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.rstrip().split("…"))) + r"\n"
        for line in lines
    )


class Reader:
    """Somebody in a folder of their own, who types what a page tells them to.

    Leave it as a ``with`` block: what was started in the background (``services.py``) is then interrupted, as by
    Ctrl-C, and has to end well.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []
        dropped = ("SIDECAR_", "COLUMNS", "FORCE_COLOR", "NO_COLOR")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        self._environment = kept | {"PATH": f"{_BIN}{os.pathsep}{kept.get('PATH', '')}", "PYTHONUTF8": "1"}

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            process.send_signal(signal.SIGINT)
        assert [_ended(process) for process in self._started] == [0] * len(self._started)

    def types(self, command: Command) -> None:
        """Do what ``command`` says, and look whether it prints and ends as the page shows."""
        words = shlex.split(command.line)
        if words[1:] == ["services.py"]:
            code, printed = 0, self._start(words)
        elif words[0] == "redis-cli":
            code, printed = 0, _ask_redis(*words[1:])
        else:
            code, printed = self._run(words)
        assert code == command.code, f"$ {command.line}\nended with {code}, not {command.code}:\n{printed}"
        lacking = missing(printed, command.shown)
        assert lacking is None, f"$ {command.line}\nthe page shows:\n{lacking}\nbut it printed:\n{printed}"

    def runs(self, program: str) -> str:
        """Run a Python program that a page shows without a file; what it prints."""
        code, printed = self._run(["python", "-c", program])
        assert code == 0, f"{program}\nended with {code}:\n{printed}"
        return printed

    def _run(self, words: list[str]) -> tuple[int, str]:
        done = subprocess.run(
            words, cwd=self.folder, env=self._environment, timeout=110, text=True, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.returncode, done.stdout

    def _start(self, words: list[str]) -> str:
        """What a program says in its first line; it goes on, though never longer than the test does."""
        process = subprocess.Popen(
            tied([sys.executable, *words[1:]]), cwd=self.folder, env=self._environment, text=True, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self._started.append(process)
        assert process.stdout is not None
        return process.stdout.readline()


def _ended(process: subprocess.Popen[str]) -> int:
    """The exit code of a program that was told to end; one that does not is killed."""
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    return process.returncode


def _ask_redis(option: str, port: str, *command: str) -> str:
    """What `redis-cli -p PORT COMMAND` would do: not everybody has it."""
    assert option == "-p"
    return f"{Redis(port=int(port)).execute_command(*command)}\n"


def with_free_ports(texts: dict[str, str]) -> dict[str, str]:
    """The same texts with ports that are free here, of as many digits: tables and wrapped lines keep their places."""
    named = sorted({port for text in texts.values() for port in PORT.findall(text)})
    instead = dict(zip(named, _free_ports(len(named)), strict=True))
    return {name: PORT.sub(lambda port: instead[port[0]], text) for name, text in texts.items()}


def _free_ports(count: int) -> list[str]:
    held: list[socket.socket] = []
    try:
        for port in _candidates():
            if len(held) == count:
                break
            probe = socket.socket()
            try:
                probe.bind(("127.0.0.1", port))
                held.append(probe)
            except OSError:
                probe.close()
        return [str(probe.getsockname()[1]) for probe in held]
    finally:
        for probe in held:
            probe.close()


def _candidates() -> Iterator[int]:
    """Every port of four digits above the privileged ones; each test run begins somewhere else."""
    first = int.from_bytes(os.urandom(2))
    return (2000 + (first + step) % 8000 for step in range(8000))

#!/usr/bin/env python3
"""Refuses functions, files and lines of C++ that grew over the limits; prints the sizes it found.

    tools/check_sizes.py [ROOT]

Functions are found by their braces, with no compiler, so that this runs before anything is built.
A function counts from its first line to its closing brace. What is over a limit on purpose stands
in KNOWN with its reason, and an entry that is no longer needed is an error as well.
"""

import pathlib
import re
import statistics
import sys

MEDIAN, HOST, KERNEL, FILE, COLUMNS = 10, 80, 150, 500, 100
FOLDERS = ("include", "src", "sim", "tests", "bench", "examples")

# (file, function or "columns" or "lines"): why it may be over.
KNOWN = {
    ("src/io/pre_tokenizer.cpp", "columns"): "regular expressions as published, to be compared",
    ("src/train/report.cpp", "columns"): "lines of HTML and CSS",
    ("tests/fuzz/make_corpus.cpp", "columns"): "lines of JSON",
    ("tests/io/safetensors_test.cpp", "columns"): "lines of JSON",
    ("tests/train/tokenise_test.cpp", "columns"): "chat templates and texts, each one string",
}

TOKENS = re.compile(
    r"//[^\n]*|/\*.*?\*/"  # comments
    r'|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'"  # not the separator of 1'000
    r"|^[ \t]*\#(?:\\\n|[^\n])*",  # directives, whatever lines they go on to
    re.DOTALL | re.MULTILINE,
)
CONTROL = re.compile(r"\b(if|for|while|switch|catch|else|do|try|return|constexpr if)\b")
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b[^()=]*$")
NAME = re.compile(r"([A-Za-z_~][\w:~]*|operator[^\w\s]+|operator\(\))\s*\(")


def blank(match):
    """Spaces for text that is no code, with its line breaks kept; a string stays a value."""
    text = match.group(0)
    rest = re.sub(r"[^\n]", " ", text)
    return "0" + rest[1:] if text[0] in "\"'R" else rest


def functions(text):
    """(name, first line, last line) of every function that is not inside another."""
    code = TOKENS.sub(blank, text)
    start = 0  # of the declaration being read
    depth = 0  # of parentheses: a lambda in an argument is part of its function
    for match in Braces(code):
        at, mark = match.start(), match.group(0)
        depth += (mark == "(") - (mark == ")")
        if mark == "{" and depth == 0:
            head = code[start:at]
            name = NAME.search(head)
            if name and not SCOPE.search(head.split("(")[0]) and not ends_in_value(head):
                end = closing(code, at)
                first = start + len(head) - len(head.lstrip())
                yield name.group(1), line_of(code, first), line_of(code, end)
                match.skip_to(end + 1)
                start = end + 1
            elif SCOPE.search(head) or SCOPE.search(head.split("(")[0]):
                start = at + 1
            else:
                match.skip_to(closing(code, at) + 1)  # the value of a variable
        elif mark in ";}" and depth == 0:
            start = at + 1


class Braces:
    """The marks of `code` one by one; a match can make the reading go on further down."""

    MARK = re.compile(r"[(){};]")

    def __init__(self, code):
        self.code, self.at = code, 0

    def __iter__(self):
        while found := self.MARK.search(self.code, self.at):
            self.found, self.at = found, found.end()
            yield self

    def start(self):
        return self.found.start()

    def group(self, i):
        return self.found.group(i)

    def skip_to(self, at):
        self.at = at


def ends_in_value(head):
    """`x = f(1)[` or a member's initialiser `: a_` opens a brace that holds a value."""
    after = head.rstrip()
    return after.endswith(("=", ",")) or bool(re.search(r"[:,]\s*[\w:]+$", after[-60:])) and (
        re.search(r"\)\s*:[^:]", head) is not None
    )


def closing(code, at):
    depth = 0
    for match in re.compile(r"[{}]").finditer(code, at):
        depth += 1 if match.group(0) == "{" else -1
        if depth == 0:
            return match.start()
    return len(code) - 1


def line_of(code, at):
    return code.count("\n", 0, at) + 1


def is_kernel(name):
    return name.endswith(("_cpu.cpp", "-inl.h", "_bf16x86.cpp", ".cu"))


def sizes_of(path, name):
    """(what, line, its size, its limit) of everything in one file that has a limit."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    yield "lines", 1, len(lines), FILE
    widest = max(range(len(lines)), key=lambda i: len(lines[i]), default=0)
    yield "columns", widest + 1, len(lines[widest]) if lines else 0, COLUMNS
    for function, first, last in functions(text):
        yield function, first, last - first + 1, KERNEL if is_kernel(name) else HOST


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    files = [p for d in FOLDERS for p in sorted((root / d).rglob("*")) if p.suffix in (".h", ".cpp")]
    counts, faults, unused = [], [], set(KNOWN)
    for path in files:
        name = path.relative_to(root).as_posix()
        for what, line, size, limit in sizes_of(path, name):
            if what not in ("lines", "columns"):
                counts.append(size)
            if size > limit and (name, what) in KNOWN:
                unused.discard((name, what))
            elif size > limit:
                faults.append(f"{name}:{line}: {what}: {size}, the limit is {limit}")
    if not counts:
        sys.exit(f"{root} has no functions")
    median = statistics.median(counts)
    if median > MEDIAN:
        faults.append(f"the median function has {median} lines, the limit is {MEDIAN}")
    faults += [f"{name}: {what} is within its limit; take it out of KNOWN" for name, what in unused]
    print("\n".join(faults + [f"{len(counts)} functions, median {median}, longest {max(counts)}"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

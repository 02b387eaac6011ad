#!/usr/bin/env python3
"""Refuses an #include that points against the layers; HACKING.md draws them.

    tools/check_layers.py [ROOT]

A public header belongs to the layer whose promises it states, whichever files keep them. `io` is
not in the row: it may use core alone, and model and what stands above it may use io. include/mps,
the bindings for Metal, uses nothing of the project.
"""

import pathlib
import re
import sys

ROW = ["core", "device", "ops", "autograd", "model", "train", "cli"]
ALLOWED = {layer: set(ROW[: i + 1]) for i, layer in enumerate(ROW)}
for above in ("model", "train", "cli"):
    ALLOWED[above].add("io")
ALLOWED["io"] = {"core", "io"}
# include/mps stands alone; a device and its kernels may use it.
ALLOWED["bindings"] = {"bindings"}
for above in ("device", "ops"):
    ALLOWED[above].add("bindings")

PUBLIC = {
    "device.h": "core",  # only names a place; a tensor has one
    "dtype.h": "core",
    "error.h": "core",
    "tensor.h": "core",
    "ops.h": "ops",
    "mps.h": "ops",
    "lora.h": "model",
    "model.h": "model",
    "train.h": "train",
    "pewter.h": "cli",  # all of the above
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def layer_of(path, root):
    """None where no layer claims the file."""
    parts = path.relative_to(root).parts
    if parts[:2] == ("include", "mps"):
        return "bindings"
    if parts[0] == "include":
        return PUBLIC.get("/".join(parts[2:]))
    return parts[1] if len(parts) > 2 and parts[1] in ALLOWED else None


def find(name, includer, root):
    """The project's file that `name` means, as the compiler looks for it."""
    for folder in (includer.parent, root / "src", root / "include"):
        path = (folder / name).resolve()
        if path.is_file() and path.is_relative_to(root):
            return path
    return None


def faults_of(path, root):
    """(line, what is wrong) of one file."""
    own = layer_of(path, root)
    if own is None:
        yield 1, "belongs to no layer that this tool knows"
        return
    text = path.read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        line, (mark, name) = text.count("\n", 0, match.start()) + 1, match.groups()
        target = find(name, path, root)
        if target is None:
            if mark == '"':
                yield line, f'"{name}" is no file of this project; write <{name}>'
            continue
        theirs = layer_of(target, root)
        if theirs not in ALLOWED[own]:
            yield line, f"{own} includes {name}, which is {theirs}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    root = root.resolve()
    files = [p for d in ("src", "include/pewter") for p in sorted((root / d).rglob("*"))]
    files = [p for p in files if p.suffix in (".h", ".cpp", ".cu", ".mm")]
    if not files:
        sys.exit(f"{root} has no sources")
    faults = [(p, *fault) for p in files for fault in faults_of(p, root)]
    for path, line, what in faults:
        print(f"{path.relative_to(root)}:{line}: {what}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

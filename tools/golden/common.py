"""What every script here needs: a safetensors writer, one random generator, where the files go.

The writer is our own so that the bytes do not change with a package's version; the versions that
made the numbers stand under `__metadata__`.
"""

import importlib.metadata
import json
import pathlib
import struct
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "data" / "golden"
DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "uint8": "U8",
    "bool": "BOOL",
}


def versions(*packages):
    return {"python": ".".join(map(str, sys.version_info[:3]))} | {
        p: importlib.metadata.version(p) for p in packages
    }


def shown(path):
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def save(path, tensors, **metadata):
    """Write {name: array} as safetensors; metadata values become strings."""
    header = {
        "__metadata__": {k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()}
    }
    blobs, at = [], 0
    arrays = {
        k: np.require(np.asarray(v), requirements="C").reshape(np.shape(v))
        for k, v in tensors.items()
    }
    # Widest elements first aligns every tensor to its own elements; the format forbids holes.
    for name, array in sorted(arrays.items(), key=lambda kv: -kv[1].itemsize):
        blob = array.tobytes()
        header[name] = {
            "dtype": DTYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [at, at + len(blob)],
        }
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    print(f"{shown(path)}: {len(tensors)} tensors, {path.stat().st_size} bytes")


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")
    print(f"{shown(path)}: {path.stat().st_size} bytes")


class SplitMix64:
    """The generator that the C++ tests have too: 64 bits of state, three lines a draw."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    def below(self, n):
        return (self.next() * n) >> 64

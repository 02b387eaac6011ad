#!/usr/bin/env python3
"""Copy a Hugging Face folder with its f32 tensors rounded to bf16 (nearest, ties to even).

    tools/to_bf16.py FOLDER --out FOLDER
"""

import argparse
import array
import json
import pathlib
import shutil
import struct

FILES = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")


def rounded(data):
    bits = array.array("I", data)
    return array.array("H", ((b + 0x7FFF + (b >> 16 & 1)) >> 16 for b in bits)).tobytes()


def convert(source, target):
    raw = source.read_bytes()
    (length,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    body, out = raw[8 + length :], bytearray()
    for name, tensor in header.items():
        if tensor["dtype"] != "F32":
            raise SystemExit(f"{source}: tensor '{name}' is {tensor['dtype']}, not F32")
        begin, end = tensor["data_offsets"]
        tensor["dtype"], first = "BF16", len(out)
        out += rounded(body[begin:end])
        tensor["data_offsets"] = [first, len(out)]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    target.write_bytes(struct.pack("<Q", len(text)) + text + out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    convert(args.folder / "model.safetensors", args.out / "model.safetensors")
    for name in FILES:
        if (args.folder / name).exists():
            shutil.copyfile(args.folder / name, args.out / name)


if __name__ == "__main__":
    main()

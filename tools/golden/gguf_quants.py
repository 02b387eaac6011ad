#!/usr/bin/env python3
"""Blocks of every quantised type that pewter reads, and what the `gguf` package makes of them.

    pip install gguf && python tools/golden/gguf_quants.py

The bits are random (every bit pattern of the packed fields is legal), the f16 scales are drawn so
that they are finite, with one zero and one subnormal among them. Writes
data/golden/gguf/quants.gguf (one tensor a type, rows of 256 values, named after the type in lower
case) and quants.safetensors (the same tensors in F32 as gguf.quants.dequantize gives them).
"""

import gguf
import numpy as np

import common

# For each type the byte offsets of its f16 fields within a block.
SCALES = {
    "Q8_0": (0,),
    "Q4_0": (0,),
    "Q4_1": (0, 2),
    "Q5_0": (0,),
    "Q5_1": (0, 2),
    "Q4_K": (0, 2),
    "Q5_K": (0, 2),
    "Q6_K": (208,),
}
ROWS, WIDTH = 3, 512


def blocks(random, kind):
    per_block, size = gguf.GGML_QUANT_SIZES[kind]
    count = ROWS * WIDTH // per_block
    raw = np.array([random.below(256) for _ in range(count * size)], np.uint8).reshape(count, size)
    for at in SCALES[kind.name]:
        scale = np.array([(random.below(2001) - 1000) / 4000 for _ in range(count)], np.float16)
        scale[1], scale[2] = 0.0, 2.0**-24 * 5
        raw[:, at : at + 2] = scale.view(np.uint8).reshape(count, 2)
    return raw.reshape(ROWS, -1)


def main():
    random = common.SplitMix64(20)
    values = {}
    path = common.GOLDEN / "gguf" / "quants.gguf"
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_string("general.description", f"gguf {common.versions('gguf')['gguf']}")
    for name in SCALES:
        kind = gguf.GGMLQuantizationType[name]
        raw = blocks(random, kind)
        writer.add_tensor(name.lower(), raw, raw_dtype=kind)
        values[name.lower()] = gguf.quants.dequantize(raw, kind).astype(np.float32)
    floats = np.array(
        [
            (random.below(1 << 24) - (1 << 23)) / 2.0 ** (12 + random.below(20))
            for _ in range(ROWS * WIDTH)
        ],
        np.float32,
    ).reshape(ROWS, WIDTH)
    for name in ("F32", "F16", "BF16"):
        kind = gguf.GGMLQuantizationType[name]
        raw = gguf.quants.quantize(np.clip(floats, -60000, 60000), kind)
        writer.add_tensor(name.lower(), raw, raw_dtype=kind)
        values[name.lower()] = gguf.quants.dequantize(raw, kind).astype(np.float32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    for name, value in values.items():
        assert value.shape == (ROWS, WIDTH) and np.isfinite(value).all(), name
    common.save(
        common.GOLDEN / "gguf" / "quants.safetensors",
        values,
        versions=common.versions("gguf", "numpy"),
    )


if __name__ == "__main__":
    main()

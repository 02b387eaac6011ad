#!/usr/bin/env python3
"""Make the start of the small model: tokenizer, configuration and random weights, from a corpus.

    tools/make_small_tokenizer.py build/small/corpus.jsonl --out build/small/start

Byte-level BPE as Hugging Face's tokenizer.json has it (merges by falling count, ties by the text of
the pair), digits on their own as in SmolLM2, ChatML as the chat template. The folder is what
`pewter train --full` continues from; the weights are drawn as transformers draws them (normal, 0.02;
norms 1), so the run needs nothing but this file and the corpus. Standard library only.
"""

import argparse
import array
import collections
import json
import math
import pathlib
import re
import struct
import sys

from make_home_data import Random

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
ROLES = ("user\n", "assistant\n")  # what the template adds to a pair
TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# GPT-2's split for ASCII text, digits taken out first; the corpus is ASCII.
WORD = re.compile(
    r"[0-9]|'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[^\sA-Za-z0-9]+|\s+(?![^\s0-9])|\s+"
)


def byte_letters():
    """GPT-2's printable letter for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {b: chr(b) for b in plain}
    for byte in range(256):
        if byte not in letters:
            letters[byte] = chr(256 + len(letters) - len(plain))
    return [letters[b] for b in range(256)]


def words_of(path):
    """How often each word occurs, as tuples of letters."""
    letters = byte_letters()
    counts = collections.Counter()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            example = json.loads(line)
            for text in (*example.values(), *(() if "text" in example else ROLES)):
                counts.update(WORD.findall(text))
    return {tuple(letters[b] for b in w.encode()): n for w, n in counts.items()}


def joined(word, pair):
    made, i = [], 0
    while i < len(word):
        both = word[i : i + 2] == pair
        made.append(word[i] + word[i + 1] if both else word[i])
        i += 2 if both else 1
    return tuple(made)


def train(words, count):
    """`count` merges: each time the pair that occurs most."""
    merges = []
    for _ in range(count):
        pairs = collections.Counter()
        for word, n in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += n
        if not pairs:
            break
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        again = collections.Counter()
        for word, n in words.items():
            again[joined(word, best)] += n
        words = again
    return merges


def tokenizer_json(merges):
    tokens = [*SPECIAL, *sorted(byte_letters()), *("".join(m) for m in merges)]
    vocabulary = {}
    for token in tokens:
        vocabulary.setdefault(token, len(vocabulary))
    added = [
        {
            "id": i,
            "content": t,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for i, t in enumerate(SPECIAL)
    ]
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": True,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level],
        },
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocabulary,
            "merges": [list(m) for m in merges],
        },
    }


def config(args, vocabulary):
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": args.width,
        "intermediate_size": args.ffn,
        "num_hidden_layers": args.layers,
        "num_attention_heads": args.heads,
        "num_key_value_heads": args.kv_heads,
        "head_dim": args.width // args.heads,
        "hidden_act": "silu",
        "max_position_embeddings": 1024,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "torch_dtype": "float32",
        "use_cache": True,
    }


def shapes(c):
    """Every tensor of the model with its shape, in the order of its layers."""
    width, ffn, dim = c["hidden_size"], c["intermediate_size"], c["head_dim"]
    queries, keys = c["num_attention_heads"] * dim, c["num_key_value_heads"] * dim
    yield "model.embed_tokens.weight", (c["vocab_size"], width)
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}."
        yield at + "input_layernorm.weight", (width,)
        yield at + "self_attn.q_proj.weight", (queries, width)
        yield at + "self_attn.k_proj.weight", (keys, width)
        yield at + "self_attn.v_proj.weight", (keys, width)
        yield at + "self_attn.o_proj.weight", (width, queries)
        yield at + "post_attention_layernorm.weight", (width,)
        yield at + "mlp.gate_proj.weight", (ffn, width)
        yield at + "mlp.up_proj.weight", (ffn, width)
        yield at + "mlp.down_proj.weight", (width, ffn)
    yield "model.norm.weight", (width,)


def normals(random, count, scale):
    """Box-Muller on 53-bit uniform draws."""
    values = array.array("f")
    while len(values) < count:
        radius = math.sqrt(-2 * math.log((random.below(1 << 53) + 1) / (1 << 53)))
        angle = 2 * math.pi * random.below(1 << 53) / (1 << 53)
        values.extend((scale * radius * math.cos(angle), scale * radius * math.sin(angle)))
    return values[:count]


def weights(c, seed):
    random, header, blobs, at = Random(seed), {"__metadata__": {"format": "pt"}}, [], 0
    for name, shape in shapes(c):
        count = math.prod(shape)
        values = (
            array.array("f", [1.0] * count)
            if len(shape) == 1
            else normals(random, count, c["initializer_range"])
        )
        if sys.byteorder == "big":
            values.byteswap()
        blobs.append(values.tobytes())
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + 4 * count]}
        at += 4 * count
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs), at // 4


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--vocabulary", type=int, default=1024)
    parser.add_argument("--width", type=int, default=160)
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--heads", type=int, default=5)
    parser.add_argument("--kv-heads", type=int, default=1)
    parser.add_argument("--ffn", type=int, default=448)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    merges = train(words_of(args.corpus), args.vocabulary - 256 - len(SPECIAL))
    tokenizer = tokenizer_json(merges)
    model = config(args, len(tokenizer["model"]["vocab"]))
    blob, count = weights(model, args.seed)
    (args.out / "model.safetensors").write_bytes(blob)
    settings = {
        "chat_template": TEMPLATE,
        "eos_token": SPECIAL[2],
        "pad_token": SPECIAL[0],
        "bos_token": None,
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 1024,
    }
    for name, value, indent in (
        ("tokenizer.json", tokenizer, 1),
        ("tokenizer_config.json", settings, 2),
        ("config.json", model, 2),
    ):
        (args.out / name).write_text(json.dumps(value, indent=indent) + "\n", encoding="utf-8")
    print(f"{args.out}: {model['vocab_size']} tokens, {count} parameters")


if __name__ == "__main__":
    main()

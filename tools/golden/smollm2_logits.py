#!/usr/bin/env python3
"""What SmolLM2-135M says: logits of three 256-token texts and three greedy continuations.

    pip install torch transformers gguf && python tools/golden/smollm2_logits.py [--full FILE]

The model is the Q4_1 GGUF that pewter fetches, dequantised by transformers and run in double
precision. Whole logits would take 150 MB, so each position keeps its 64 largest, the log of the sum
of exponentials, the norm, and 64 projections on vectors of random signs: the mean square of the
differences of the projections estimates the squared distance of the two logit vectors (relative
standard deviation sqrt(2/64)), hence their cosine. The sign of vocabulary entry v in projection j
is bit j of the v-th draw of SplitMix64(seed), set meaning minus. `--full FILE` writes all logits in
f32 for a direct comparison. Writes data/golden/smollm2/.
"""

import argparse
import os
import pathlib
import sys

import numpy as np
import torch

import common
import exact

sys.path.insert(0, str(common.ROOT / "bench" / "peers"))
import train_peft  # noqa: E402  (loads the GGUF the same way)

SEED, TOP, LENGTH, NEW = 64, 64, 256, 64
TEXTS = {
    "prose": """The harbour at Lorne was built twice. The first wall, raised in the spring of \
1871, stood on gravel that nobody had sounded, and the second winter took it away in a single \
night, together with eleven boats and the shed where the nets were kept. The people who rebuilt \
it were not engineers. They were fishermen, a schoolteacher who owned a book on statics, and a \
widow named Agnes Moran who had sold her cows to pay for the stone. They argued for a month about\
 the shape. The teacher wanted a curve, because the book said that a curve throws the water back;\
 the fishermen wanted a straight line, because a straight line was what they could lay by eye \
from a boat. In the end they built a straight wall with a bend in the middle, which pleased \
neither side and has stood for a hundred and fifty years. Visitors ask why it bends. The answer \
that children give is that the sea pushed it. The answer in the parish book is shorter: "It was \
agreed." What remains of the first wall can be seen at the lowest tides of March, a dark row of \
stones about forty metres out, and on calm mornings the older boats still steer around it without\
 looking, as if the water there had kept a shape of its own. Agnes Moran is not in the book. Her \
name is cut on the inner face of the bend, low down, where only a person in a boat can read it, \
and the letters have been cleaned every spring since by somebody who has never been seen to do \
it.""",
    "code": """// Reads a length-prefixed record; returns false at the end of the file.
#include <cstdint>
#include <istream>
#include <stdexcept>
#include <vector>

namespace records {

constexpr std::uint32_t kMaxRecord = 1u << 20;

bool read_record(std::istream& in, std::vector<std::uint8_t>* out) {
  std::uint8_t header[4];
  in.read(reinterpret_cast<char*>(header), sizeof header);
  if (in.gcount() == 0) return false;
  if (in.gcount() != sizeof header) throw std::runtime_error("truncated header");
  std::uint32_t size = 0;
  for (int i = 3; i >= 0; --i) size = (size << 8) | header[i];
  if (size > kMaxRecord) throw std::runtime_error("record too large");
  out->resize(size);
  in.read(reinterpret_cast<char*>(out->data()), size);
  if (static_cast<std::uint32_t>(in.gcount()) != size) throw std::runtime_error("truncated record");
  return true;
}

}  // namespace records

int main() {
  std::vector<std::uint8_t> record;
  int count = 0;
  while (records::read_record(std::cin, &record)) {
    std::printf("%d: %zu bytes\\n", ++count, record.size());
  }
  return 0;
}
""",
    "mixed": """<|im_start|>system
You answer in one line.<|im_end|>
<|im_start|>user
Convert: 3 ft 7 in -> cm? And 72 °F -> °C?<|im_end|>
<|im_start|>assistant
109.22 cm; 22.2 °C<|im_end|>
<|im_start|>user
Übersetze ins Englische: »Der Zug fährt um 17:45 Uhr ab, nicht um 18:15.«<|im_end|>
<|im_start|>assistant
"The train leaves at 17:45, not at 18:15."<|im_end|>
<|im_start|>user
¿Cuánto es 1.250,75 € menos 12 %? 東京の天気は? ∑ᵢ xᵢ² ≥ 0 ✓ 🙂👍🏽<|im_end|>
<|im_start|>assistant
1.100,66 €; 晴れ; true<|im_end|>
<|im_start|>user
{"room": "kitchen", "sensors": [{"id": 7, "t": 21.5}, {"id": 12, "t": null}], "ok": true}
Which sensor has no reading?<|im_end|>
<|im_start|>assistant
Sensor 12.<|im_end|>
<|im_start|>user
List three primes above 1000, then stop.<|im_end|>
<|im_start|>assistant
1009, 1013, 1019<|im_end|>
""",
}
# Chosen among sixteen for the widest gap between best and second: a tie tests rounding, not a model.
PROMPTS = (
    "In 1969, the Apollo 11 mission",
    "#include <stdio.h>\n\nint main",
    "<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
    "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n",
)


def signs(vocabulary):
    random = common.SplitMix64(SEED)
    words = np.array([random.next() for _ in range(vocabulary)], np.uint64)
    bits = (words[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    return 1.0 - 2.0 * bits.astype(np.float64)


def summary(name, logits, projection):
    order = np.argsort(-logits, axis=1, kind="stable")[:, :TOP]
    top = np.take_along_axis(logits, order, axis=1)
    largest = logits.max(axis=1, keepdims=True)
    return {
        f"{name}.top_ids": order.astype(np.int32),
        f"{name}.top_logits": top.astype(np.float32),
        f"{name}.logsumexp": (largest[:, 0] + np.log(np.exp(logits - largest).sum(1))).astype(
            np.float32
        ),
        f"{name}.norm": np.linalg.norm(logits, axis=1).astype(np.float32),
        f"{name}.projections": (logits @ projection).astype(np.float32),
    }


def greedy(model, ids):
    """Ids of the continuation, and by how much each beat the second best."""
    made, gaps, cache = [], [], None
    given = torch.tensor([ids])
    for _ in range(NEW):
        with torch.no_grad():
            out = model(input_ids=given, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        best = out.logits[0, -1].topk(2)
        made.append(best.indices[0].item())
        gaps.append(round((best.values[0] - best.values[1]).item(), 6))
        given = best.indices[None, :1]
    return made, gaps


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "-m", "--model", default=str(train_peft.CACHE / "SmolLM2-135M-Instruct.Q4_1.gguf")
    )
    parser.add_argument(
        "--full", type=pathlib.Path, help="write all logits here as well (safetensors)"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, tokenizer = train_peft.load(args.model)
    exact.exact(model)
    projection = signs(model.config.vocab_size)
    tensors, texts, full = {}, [], {}
    for name, text in TEXTS.items():
        ids = tokenizer(text, add_special_tokens=False)["input_ids"][:LENGTH]
        assert len(ids) == LENGTH, (name, len(ids))
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0].numpy()
        tensors |= summary(name, logits, projection)
        full[name] = logits.astype(np.float32) if args.full else None
        texts.append({"name": name, "text": tokenizer.decode(ids), "ids": ids})
    continuations = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        made, gaps = greedy(model, ids)
        continuations.append(
            {
                "prompt": prompt,
                "ids": ids,
                "continuation": made,
                "gaps": gaps,
                "text": tokenizer.decode(made),
            }
        )
    versions = common.versions("torch", "transformers", "gguf", "numpy")
    out = common.GOLDEN / "smollm2"
    common.save(out / "logits.safetensors", tensors, versions=versions, seed=SEED)
    common.write_json(
        out / "texts.json",
        {
            "versions": versions,
            "model": os.path.basename(args.model),
            "sign_seed": SEED,
            "texts": texts,
            "greedy": continuations,
        },
    )
    if args.full:
        common.save(args.full, full, versions=versions)
    for c in continuations:
        print(f"smallest gap {min(c['gaps'])}: {c['text']!r}")


if __name__ == "__main__":
    main()

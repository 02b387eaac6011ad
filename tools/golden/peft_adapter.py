#!/usr/bin/env python3
"""Remakes data/golden/peft_adapter/: adapters that PEFT saved, and the scales it computes for them.

    pip install torch transformers peft
    python3 tools/golden/peft_adapter.py data/golden/peft_adapter

One folder an adapter, of a random two-layer llama, each with adapter_config.json and
adapter_model.safetensors as save_pretrained leaves them, and expected.json: for each module PEFT's
scaling, the shapes, and the sum of scaling * B A, which no mistake in reading leaves as it is.
"""
import json
import os
import sys

import peft
import torch
from transformers import LlamaConfig, LlamaForCausalLM

ADAPTERS = {
    "plain": dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"]),
    "patterns": dict(r=4, lora_alpha=6, use_rslora=True, lora_dropout=0.25, target_modules="all-linear",
                     rank_pattern={"down_proj": 2, r"layers\.1\.self_attn\.q_proj": 3, "model.layers.0.mlp.up_proj": 5},
                     alpha_pattern={"v_proj": 16, r".*mlp\.gate_proj": 1.5}),
    "regex": dict(target_modules=r".*layers\.1\.(self_attn|mlp)\.(o_proj|up_proj)"),
    "layers": dict(r=2, lora_alpha=4, target_modules=["k_proj", "gate_proj"], layers_to_transform=[1]),
}


def main():
    out = sys.argv[1]
    for name, options in ADAPTERS.items():
        torch.manual_seed(11)
        base = LlamaForCausalLM(LlamaConfig(
            vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=64))
        model = peft.get_peft_model(base, peft.LoraConfig(task_type="CAUSAL_LM", **options))
        for key, parameter in model.named_parameters():
            if "lora_B" in key:
                torch.nn.init.normal_(parameter)
        folder = f"{out}/{name}"
        model.save_pretrained(folder)
        os.remove(f"{folder}/README.md")
        os.chmod(f"{folder}/adapter_model.safetensors", 0o644)
        modules = {}
        for key, module in model.named_modules():
            if not isinstance(module, peft.tuners.lora.Linear):
                continue
            a, b = module.lora_A["default"].weight.double(), module.lora_B["default"].weight.double()
            scale = module.scaling["default"]
            modules[key.removeprefix("base_model.model.")] = {
                "scale": scale, "a": list(a.shape), "b": list(b.shape), "sum": (scale * b @ a).sum().item()}
        with open(f"{folder}/expected.json", "w", encoding="ascii") as f:
            json.dump({"peft": peft.__version__, "modules": modules}, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()

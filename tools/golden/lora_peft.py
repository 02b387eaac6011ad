#!/usr/bin/env python3
"""LoRA as PEFT + PyTorch computes it: one layer, twenty training steps, two more models.

    pip install torch peft transformers && python tools/golden/lora_peft.py

Everything is computed in float64 from numbers that f32 (or bf16, f16 where a model is stored so)
holds exactly, then rounded once to f32: the truth a bound is taken from. PyTorch's own f32 run
stands beside it, so that a test can also see how far a sound f32 implementation strays. Writes
data/golden/lora/.
"""

import copy
import json
import shutil

import numpy as np
import peft
import torch
import transformers

import common
import exact

OUT = common.GOLDEN / "lora"
VERSIONS = common.versions("torch", "transformers", "peft", "numpy")
LAYERS = (
    (5, 48, 40, 4, 8.0),
    (16, 64, 96, 8, 16.0),
    (37, 130, 67, 3, 1.0),
    (64, 256, 128, 16, 32.0),
)
TRAINING = {
    "steps": 20,
    "rank": 8,
    "alpha": 16,
    "lr": 5e-3,
    "beta1": 0.9,
    "beta2": 0.999,
    "eps": 1e-8,
    "weight_decay": 0.01,
    "clip": 8.0,
    "schedule": "constant",
}


def draw(random, *shape, scale=1.0):
    """Sums of four uniform draws: near enough to normal, exact in f32, the same everywhere."""
    count = int(np.prod(shape))
    values = [
        sum(random.below(1 << 16) for _ in range(4)) - 2 * ((1 << 16) - 1) for _ in range(count)
    ]
    return torch.tensor(values, dtype=torch.float64).reshape(shape).mul(scale / 37837).float()


def one_layer(random, m, k, n, r, alpha):
    """x, W, A, B, dy and what PEFT's lora.Linear makes of them, in both precisions."""
    given = {
        "x": draw(random, m, k),
        "W": draw(random, n, k, scale=k**-0.5),
        "A": draw(random, r, k, scale=k**-0.5),
        "B": draw(random, n, r, scale=0.3),
        "dy": draw(random, m, n),
    }
    result = dict(given)
    for dtype, suffix in ((torch.float64, ""), (torch.float32, ".f32")):
        base = torch.nn.Linear(k, n, bias=False, dtype=dtype)
        base.weight.data = given["W"].to(dtype, copy=True)
        layer = peft.tuners.lora.Linear(
            base, "default", config=peft.LoraConfig(r=r, lora_alpha=alpha), r=r, lora_alpha=alpha
        ).to(dtype)
        layer.lora_A.default.weight.data = given["A"].to(dtype, copy=True)
        layer.lora_B.default.weight.data = given["B"].to(dtype, copy=True)
        x = given["x"].to(dtype, copy=True).requires_grad_()
        y = layer(x)
        y.backward(given["dy"].to(dtype))
        made = {
            "y": y.detach(),
            "dx": x.grad,
            "dA": layer.lora_A.default.weight.grad,
            "dB": layer.lora_B.default.weight.grad,
        }
        result |= {key + suffix: value.float() for key, value in made.items()}
    return result


def layers():
    random, tensors = common.SplitMix64(1), {}
    for m, k, n, r, alpha in LAYERS:
        for name, value in one_layer(random, m, k, n, r, alpha).items():
            tensors[f"{m}x{k}x{n}r{r}.{name}"] = value.numpy()
    index = [
        {
            "prefix": f"{m}x{k}x{n}r{r}",
            "M": m,
            "K": k,
            "N": n,
            "rank": r,
            "alpha": a,
            "scale": a / r,
        }
        for m, k, n, r, a in LAYERS
    ]
    common.save(OUT / "linear.safetensors", tensors, versions=VERSIONS, cases=index)


def fill(model, random, dtype):
    """Weights large enough that every part of the model shows in the logits, exact in `dtype`."""
    for name, p in model.named_parameters():
        if "norm" in name:
            value = 1 + draw(random, *p.shape, scale=0.2)
        elif p.ndim == 1:
            value = draw(random, *p.shape, scale=0.3)
        else:
            value = draw(
                random, *p.shape, scale=0.5 if "embed" in name else 1.3 * p.shape[1] ** -0.5
            )
        p.data = value.to(dtype).to(p.dtype)


def save_model(model, folder, dtype):
    shutil.rmtree(folder, ignore_errors=True)
    model.to(dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)


def logits_of(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0]


def small_llama(random):
    config = transformers.LlamaConfig(
        vocab_size=320,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
    )
    model = transformers.LlamaForCausalLM(config)
    fill(model, random, torch.float32)
    return model


def batches(random):
    """Examples of a task that can be learnt: the second half is the first, each id one higher."""
    result = []
    for _ in range(TRAINING["steps"]):
        batch = []
        for _ in range(4):
            half = 5 + random.below(12)
            first = [2 + random.below(40) for _ in range(half)]
            ids = first + [1] + [i + 1 for i in first]
            batch.append({"ids": ids, "labels": [-100] * (half + 1) + ids[half + 1 :]})
        result.append(batch)
    return result


def train(model, data):
    """The loop as it is usually written; labels are shifted inside the model."""
    t = TRAINING
    chosen = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        chosen,
        lr=t["lr"],
        betas=(t["beta1"], t["beta2"]),
        eps=t["eps"],
        weight_decay=t["weight_decay"],
    )
    losses, norms = [], []
    for batch in data:
        width = max(len(e["ids"]) for e in batch)
        pad = lambda values, fill: torch.tensor([v + [fill] * (width - len(v)) for v in values])
        labels = pad([e["labels"] for e in batch], -100)
        out = model(
            input_ids=pad([e["ids"] for e in batch], 0),
            labels=labels,
            attention_mask=pad([[1] * len(e["ids"]) for e in batch], 0),
        )
        loss = exact.loss(out.logits, labels) if out.logits.dtype == torch.float64 else out.loss
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(chosen, t["clip"]).item())
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses, norms


def lora_state(model):
    return {
        k: v.detach().float().numpy().copy()
        for k, v in peft.get_peft_model_state_dict(model).items()
    }


def save_adapter(model, folder):
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    path = (
        folder / "adapter_config.json"
    )  # PEFT writes a set: sorted here, so that a rerun gives the same bytes
    config = json.loads(path.read_text())
    config["target_modules"].sort()
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def twenty_steps():
    random = common.SplitMix64(2)
    base = small_llama(random)
    data, test = batches(random), [2 + random.below(300) for _ in range(48)]
    torch.manual_seed(3)
    config = peft.LoraConfig(
        r=TRAINING["rank"],
        lora_alpha=TRAINING["alpha"],
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    base.config.name_or_path = "data/golden/lora/model"
    start = peft.get_peft_model(copy.deepcopy(base), config)
    start.peft_config["default"].base_model_name_or_path = "data/golden/lora/model"
    save_adapter(start, OUT / "adapter-initial")
    tensors, run = {}, {
        "settings": TRAINING,
        "versions": VERSIONS,
        "batches": data,
        "test_ids": test,
    }
    for dtype, suffix in ((torch.float64, ""), (torch.float32, ".f32")):
        model = copy.deepcopy(start)
        if not suffix:
            exact.exact(model)
            tensors["logits_before"] = logits_of(model, test).float().numpy()
        run["losses" + suffix], run["grad_norms" + suffix] = train(model, data)
        state = lora_state(model)
        tensors |= {f"final{suffix}.{k}": v for k, v in state.items()}
        if not suffix:
            save_adapter(model.float(), OUT / "adapter")
            tensors["logits_after"] = logits_of(exact.exact(model), test).float().numpy()
    save_model(base, OUT / "model", torch.float32)
    common.save(OUT / "run.safetensors", tensors, versions=VERSIONS)
    text = json.dumps(run, separators=(",", ":")).replace(',"', ',\n"')
    (OUT / "run.json").write_text(text + "\n")
    print(
        "losses",
        [round(v, 4) for v in run["losses"]],
        "\nnorms",
        [round(v, 3) for v in run["grad_norms"]],
        "\nf32 differs by",
        max(abs(a - b) for a, b in zip(run["losses"], run["losses.f32"])),
    )


def other_models():
    """Qwen2's biases with an untied head, kept in bf16; Llama-3's scaled rope, kept in f16."""
    random, tensors, ids = common.SplitMix64(4), {}, {}
    sizes = dict(
        vocab_size=320,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=256,
    )
    qwen2 = transformers.Qwen2ForCausalLM(
        transformers.Qwen2Config(
            **sizes,
            rms_norm_eps=1e-6,
            tie_word_embeddings=False,
            rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        )
    )
    sizes |= {"num_attention_heads": 3, "num_key_value_heads": 1}
    llama3 = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            **sizes,
            tie_word_embeddings=True,
            rope_parameters={
                "rope_type": "llama3",
                "rope_theta": 10000.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            },
        )
    )
    for name, model, dtype in (
        ("qwen2", qwen2, torch.bfloat16),
        ("llama3-rope", llama3, torch.float16),
    ):
        fill(model, random, dtype)
        ids[name] = [random.below(320) for _ in range(96)]
        save_model(model, OUT / name, dtype)
        tensors[name] = logits_of(exact.exact(model), ids[name]).float().numpy()
    older_config(OUT / "llama3-rope" / "config.json")
    for name, want in tensors.items():  # what was saved is what was computed
        again = transformers.AutoModelForCausalLM.from_pretrained(OUT / name, dtype=torch.float32)
        assert np.abs(logits_of(again, ids[name]).numpy() - want).max() < 1e-4 * np.abs(want).max()
    common.save(OUT / "logits.safetensors", tensors, versions=VERSIONS, ids=ids)


def older_config(path):
    """As published checkpoints have it: rope_theta beside rope_scaling, and torch_dtype."""
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope
    config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    layers()
    twenty_steps()
    other_models()

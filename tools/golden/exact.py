"""Make a transformers model compute in double precision throughout.

`model.double()` alone does not: the norms, the rotary angles and the loss are written to go through
f32 whatever the model's type is. A golden value has to be the number itself, so these three are
replaced by their definitions; attention must be "sdpa", whose softmax keeps the type.
"""

import math
import types

import torch


def frequencies(config):
    """theta^(-2i/d), scaled as Llama 3 has it where the config asks for it."""
    rope = config.rope_parameters
    dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    base = torch.tensor(float(rope["rope_theta"]), dtype=torch.float64)
    plain = base ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    if rope["rope_type"] == "default":
        return plain
    assert rope["rope_type"] == "llama3", rope
    length, factor = rope["original_max_position_embeddings"], rope["factor"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    wavelength = 2 * math.pi / plain
    smooth = ((length / wavelength - low) / (high - low)).clamp(0, 1)
    return (1 - smooth) * plain / factor + smooth * plain


def norm(self, x):
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


def rotary(self, x, position_ids):
    angle = position_ids[..., None].double() * self.exact_frequencies
    angle = torch.cat((angle, angle), dim=-1)
    return angle.cos(), angle.sin()


def loss(logits, labels):
    """Mean over the labelled tokens; the logits at t answer for the label at t + 1."""
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100
    )


def exact(model):
    """The same model, in double throughout; changes it in place."""
    model.double()
    assert model.config._attn_implementation == "sdpa"
    for module in model.modules():
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = types.MethodType(norm, module)
        elif type(module).__name__.endswith("RotaryEmbedding"):
            module.exact_frequencies = frequencies(model.config)
            module.forward = types.MethodType(rotary, module)
    return model

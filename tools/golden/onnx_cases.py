#!/usr/bin/env python3
"""ONNX's own operator cases, as golden tensors for pewter's ops.

    pip install onnx==1.23.0 ml_dtypes && python tools/golden/onnx_cases.py

The onnx wheel ships no data files; its test module computes inputs and outputs with NumPy. For each
case this script says which pewter call means the same (`call` in the index) and recomputes the
output from that call in double precision: a case whose meaning was read wrongly cannot get into the
files. Cases that pewter's ops do not cover are listed under `left_out` with the reason. Writes
data/golden/onnx/cases.safetensors (tensors `<case>.<input or output>`) and index.json.
"""

import math
import warnings

import numpy as np
import onnx

import common

OPS = (
    "MatMul",
    "Gemm",
    "Softmax",
    "LayerNormalization",
    "RMSNormalization",
    "RotaryEmbedding",
    "Gelu",
    "Attention",
)


class LeftOut(Exception):
    pass


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def matmul(i, attributes):
    return {"op": "matmul", "a": "a", "b": "b"}, [i["a"] @ i["b"]]


def gemm(i, attributes):
    alpha, beta = attributes.get("alpha", 1.0), attributes.get("beta", 1.0)
    call = {
        "op": "matmul",
        "a": "a",
        "b": "b",
        "alpha": alpha,
        "transpose_a": bool(attributes.get("transA")),
        "transpose_b": bool(attributes.get("transB")),
    }
    a = i["a"].T if call["transpose_a"] else i["a"]
    b = i["b"].T if call["transpose_b"] else i["b"]
    out = alpha * (a @ b)
    if "c" in i:
        call |= {"c": "c", "beta": beta}
        out = out + beta * i["c"]
    return call, [out]


def soft(i, attributes):
    axis = attributes.get("axis", -1) % i["x"].ndim
    return {"op": "softmax", "x": "x", "axis": axis}, [softmax(i["x"], axis)]


def norm(i, attributes, centre):
    x = i["X"]
    axis = attributes.get("axis", -1) % x.ndim
    eps = attributes.get("epsilon", 1e-5)
    rows = math.prod(x.shape[:axis])
    flat = x.reshape(rows, -1)
    call = {
        "op": "layer_norm" if centre else "rms_norm",
        "x": "X",
        "weight": "W",
        "eps": eps,
        "reshape": list(flat.shape),
    }  # the normalised axes become the last one
    mean = flat.mean(axis=1, keepdims=True) if centre else 0.0
    inverse = 1 / np.sqrt(((flat - mean) ** 2).mean(axis=1, keepdims=True) + eps)
    out = (flat - mean) * inverse * i["W"].reshape(-1)
    if "B" in i:
        call["bias"] = "B"
        out = out + i["B"].reshape(-1)
    kept = x.shape[:axis] + (1,) * (x.ndim - axis)
    extra = [mean.reshape(kept), inverse.reshape(kept)] if centre else []
    return call, [out.reshape(x.shape)] + extra


def rope(i, attributes):
    if attributes.get("interleaved"):
        raise LeftOut("interleaved pairs: pewter rotates halves")
    x, cos, sin = i["input"], i["cos_cache"], i["sin_cache"]
    heads = attributes.get("num_heads")
    layout = "BHTD"
    if x.ndim == 3:
        x = x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)
        layout = "BT(HD)"
    if "position_ids" in i:
        positions = i["position_ids"].astype(int)
        cos, sin = cos[positions], sin[positions]
    dim = attributes.get("rotary_embedding_dim", 0) or x.shape[-1]
    cos, sin = cos[:, None], sin[:, None]
    a, b, rest = x[..., : dim // 2], x[..., dim // 2 : dim], x[..., dim:]
    out = np.concatenate([a * cos - b * sin, b * cos + a * sin, rest], axis=-1)
    if layout != "BHTD":
        out = out.transpose(0, 2, 1, 3).reshape(i["input"].shape)
    return {
        "op": "rope",
        "x": "input",
        "cos": "cos_cache",
        "sin": "sin_cache",
        "layout": layout,
        "rotary_dim": dim,
        "positions": "position_ids" if "position_ids" in i else None,
        "heads": heads or x.shape[1],
    }, [out]


def gelu(i, attributes):
    x = i["x"]
    if attributes.get("approximate") == "tanh":
        return {"op": "gelu", "x": "x", "approximate": "tanh"}, [
            0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        ]
    return {"op": "gelu", "x": "x", "approximate": "none"}, [
        0.5 * x * (1 + np.vectorize(math.erf)(x / np.sqrt(2)))
    ]


def attention(i, attributes):
    unknown = {
        "softcap": "logit soft-capping",
        "left_window_size": "sliding window",
        "right_window_size": "sliding window",
        "qk_matmul_output_mode": "returns the scores",
        "softmax_precision": "precision of the softmax as an attribute",
    }
    for name, what in unknown.items():
        if name in attributes:
            raise LeftOut(f"{name}: {what} is not in pewter's attention")
    if "attn_mask" in i:
        raise LeftOut(
            "additive or boolean mask tensor: pewter masks by causality, length and document"
        )
    if "qk_matmul_output" in i["outputs"]:
        raise LeftOut("returns the scores, which pewter never holds")
    q, k, v = i["Q"], i["K"], i["V"]
    layout = "BHTD"
    if q.ndim == 3:
        layout = "BT(HD)"
        split = lambda x, h: x.reshape(*x.shape[:2], h, -1).transpose(0, 2, 1, 3)
        hq, hk = attributes["q_num_heads"], attributes["kv_num_heads"]
        q, k, v = split(q, hq), split(k, hk), split(v, hk)
    if v.shape[-1] != q.shape[-1]:
        raise LeftOut("values of another width than keys")
    causal = bool(attributes.get("is_causal"))
    past = 0
    if "past_key" in i:
        past = i["past_key"].shape[2]
        k = np.concatenate([i["past_key"], k], axis=2)
        v = np.concatenate([i["past_value"], v], axis=2)
    queries, keys = q.shape[2], k.shape[2]
    # ONNX aligns the causal triangle at the top left (after the past), so keys further right are
    # unseen.
    lengths = [min(keys, past + queries) if causal else keys] * q.shape[0]
    if "nonpad_kv_seqlen" in i:
        lengths = [int(n) for n in i["nonpad_kv_seqlen"]]
        if causal and min(lengths) < queries:
            raise LeftOut("a query that may see no key at all")
    scale = attributes.get("scale", 1 / math.sqrt(q.shape[-1]))
    call = {
        "op": "attention",
        "layout": layout,
        "causal": causal,
        "scale": scale,
        "heads": q.shape[1],
        "kv_heads": k.shape[1],
        "past": past,
        "kv_lengths": lengths,
    }
    out = np.zeros(q.shape[:3] + v.shape[3:])
    group = q.shape[1] // k.shape[1]
    for b, n in enumerate(lengths):
        for h in range(q.shape[1]):
            score = scale * q[b, h] @ k[b, h // group, :n].T
            if causal:  # the last query sees the last of the n keys
                score[np.triu(np.ones(score.shape, bool), k=1 + n - queries)] = -np.inf
            out[b, h] = softmax(score) @ v[b, h // group, :n]
    if layout != "BHTD":
        out = out.transpose(0, 2, 1, 3).reshape(*i["Q"].shape[:2], -1)
    return call, [out, k, v][: 1 + 2 * ("past_key" in i)]


MEANING = {
    "MatMul": matmul,
    "Gemm": gemm,
    "Softmax": soft,
    "RotaryEmbedding": rope,
    "Gelu": gelu,
    "LayerNormalization": lambda i, a: norm(i, a, True),
    "RMSNormalization": lambda i, a: norm(i, a, False),
    "Attention": attention,
}


def convert(case, tensors):
    node = case.model.graph.node[0]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    attributes = {k: v.decode() if isinstance(v, bytes) else v for k, v in attributes.items()}
    schema = onnx.defs.get_schema(node.op_type)
    formal = {name: schema.inputs[n].name for n, name in enumerate(node.input) if name}
    names = list(formal)
    arrays, outputs = (list(map(np.asarray, s)) for s in case.data_sets[0])
    assert len(names) == len(arrays)
    # Attention names its optional inputs by position, other ops keep the names of the case.
    keys = [formal[n] if node.op_type == "Attention" else n for n in names]
    values = {k: a.astype(np.float64) for k, a in zip(keys, arrays)}
    out_names = [schema.outputs[n].name for n, name in enumerate(node.output) if name]
    values["outputs"] = out_names
    call, expected = MEANING[node.op_type](values, attributes)
    half = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
    for want, got in zip(outputs, expected):
        eps = half.get(want.dtype.name, 2.0**-20)
        error = np.abs(want.astype(np.float64) - got)
        assert want.shape == got.shape and (error <= 4 * eps * (1 + np.abs(got))).all(), (
            case.name,
            error.max(),
        )
    describe = []
    for key, array in list(zip(keys, arrays)) + list(zip(out_names, outputs)):
        role = "input" if len(describe) < len(keys) else "output"
        entry = {"role": role, "name": key, "dtype": array.dtype.name, "shape": list(array.shape)}
        if array.dtype.kind == "i":
            entry["values"] = array.reshape(-1).tolist()
        else:
            entry["tensor"] = f"{case.name[5:]}.{key}"
            tensors[entry["tensor"]] = array
        describe.append(entry)
    return {
        "name": case.name[5:],
        "op": node.op_type,
        "attributes": attributes,
        "call": call,
        "tensors": describe,
    }


def main():
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node import collect_testcases

    tensors, cases, left_out = {}, [], []
    for case in collect_testcases():
        nodes = case.model.graph.node
        if len(nodes) != 1 or nodes[0].op_type not in OPS or nodes[0].domain:
            continue
        try:
            cases.append(convert(case, tensors))
        except LeftOut as reason:
            left_out.append({"name": case.name[5:], "op": nodes[0].op_type, "reason": str(reason)})
    versions = common.versions("onnx", "numpy", "ml_dtypes")
    common.save(common.GOLDEN / "onnx" / "cases.safetensors", tensors, versions=versions)
    common.write_json(
        common.GOLDEN / "onnx" / "index.json",
        {"versions": versions, "cases": cases, "left_out": left_out},
    )
    for op in OPS:
        taken, left = (sum(c["op"] == op for c in which) for which in (cases, left_out))
        print(f"{op}: {taken} taken, {left} left out")


if __name__ == "__main__":
    main()

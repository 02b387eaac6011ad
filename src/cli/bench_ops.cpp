// One row an op. What an op must at least do is counted (multiply-adds, or bytes that have to be
// read and written), never what the implementation happens to do, so a row's percentage of the roof
// says what is left to gain.
#include "bench_ops.h"

#include <algorithm>
#include <cstring>

#include "measure.h"
#include "pewter/ops.h"
#include "roof.h"

namespace pewter::cli {
namespace {

enum class Roof { none, multiply_adds, copy, update, read };

struct OpRow {
  std::string name;
  Roof roof;
  double amount;  // FLOP or bytes of one call
  // Makes the operands; what it returns is timed. Operands live no longer than their row.
  std::function<std::function<void()>(Device)> prepare;
};

constexpr int64_t kRows = 16384, kWidth = 2048;  // 128 MiB of f32
constexpr int64_t kTokens = 512;
constexpr double kArray = 4.0 * kRows * kWidth;

double d(int64_t n) { return static_cast<double>(n); }

Tensor random(const Shape& shape, Device device, uint64_t seed, DType dtype = f32) {
  return randn(shape, {dtype, device}, seed);
}

Tensor trained(Tensor t) {
  t.set_requires_grad();
  return t;
}

// Random bits, but for the scales in f16 that lead (or, in Q6_K, end) a block: those are 1/64.
Tensor random_blocks(const Shape& shape, DType dtype, Device device) {
  std::vector<std::byte> bytes(static_cast<size_t>(byte_size(dtype, shape.numel())));
  uint32_t state = 1;
  for (std::byte& b : bytes) {
    b = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
  }
  const Half scale = to_half(1.0f / 64);
  const auto size = static_cast<size_t>(info(dtype).block_bytes);
  for (size_t block = 0; block < bytes.size(); block += size) {
    std::memcpy(&bytes[block + (dtype == DType::q6_k ? size - 2 : 0)], &scale, 2);
    if (dtype == DType::q4_1 || dtype == DType::q4_k) std::memcpy(&bytes[block + 2], &scale, 2);
  }
  return from_bytes(bytes, shape, {dtype, device});
}

// `f` of operands that want gradients, and its backward; gradients are dropped again.
template <typename F>
std::function<void()> with_backward(std::vector<Tensor> inputs, F f) {
  for (Tensor& t : inputs) t.set_requires_grad();
  const Tensor y = f(inputs);
  const Tensor dy = random(y.shape(), y.device(), 99, y.dtype());
  return [=]() mutable {
    backward(f(inputs), dy);
    for (Tensor& t : inputs) t.set_grad({});
  };
}

// The op on x alone. Backward reads x (or y) and dy and writes dx: three arrays more.
template <typename F>
void add_rows_of(std::vector<OpRow>* rows, const std::string& name, double arrays, F f) {
  rows->push_back({name, Roof::copy, arrays * kArray, [f](Device device) {
                     const Tensor x = random({kRows, kWidth}, device, 1);
                     return [=] { f(x); };
                   }});
  rows->push_back({name + "/backward", Roof::copy, (arrays + 3) * kArray, [f](Device device) {
                     const auto call = [f](const std::vector<Tensor>& in) { return f(in[0]); };
                     return with_backward({random({kRows, kWidth}, device, 1)}, call);
                   }});
}

void add_row_ops(std::vector<OpRow>* rows) {
  add_rows_of(rows, "softmax/f32", 2, [](const Tensor& x) { return softmax(x); });
  add_rows_of(rows, "rms_norm/f32", 2, [](const Tensor& x) {
    return rms_norm(x, full({kWidth}, 1.5, {f32, x.device()}));
  });
  add_rows_of(rows, "layer_norm/f32", 2, [](const Tensor& x) {
    const TensorOptions options{f32, x.device()};
    return layer_norm(x, full({kWidth}, 1.5, options), full({kWidth}, 0.5, options));
  });
  add_rows_of(rows, "gelu/f32", 2, [](const Tensor& x) { return gelu(x); });
  rows->push_back({"add/f32", Roof::copy, 3 * kArray, [](Device device) {
                     const Tensor a = random({kRows, kWidth}, device, 1);
                     const Tensor b = random({kRows, kWidth}, device, 2);
                     return [=] { add(a, b); };
                   }});
  rows->push_back({"silu_mul/f32", Roof::copy, 3 * kArray, [](Device device) {
                     const Tensor a = random({kRows, kWidth}, device, 1);
                     const Tensor b = random({kRows, kWidth}, device, 2);
                     return [=] { silu_mul(a, b); };
                   }});
  rows->push_back({"sum/f32", Roof::read, kArray, [](Device device) {
                     const Tensor x = random({kRows, kWidth}, device, 1);
                     return [=] { sum(x); };
                   }});
}

void add_moving_ops(std::vector<OpRow>* rows) {
  rows->push_back({"rope/f32", Roof::copy, 2 * kArray, [](Device device) {
                     const Tensor x = random({kRows, kWidth / 64, 64}, device, 1);
                     std::vector<int32_t> positions(kRows);
                     for (size_t i = 0; i < positions.size(); ++i) {
                       positions[i] = static_cast<int32_t>(i);
                     }
                     const Tensor at = from_values(positions, {kRows}, {i32, device});
                     const RopeTables t = rope_tables(at, full({32}, 0.01, {f32, device}));
                     return [=] { rope(x, t.cos, t.sin); };
                   }});
  rows->push_back({"embedding/f32", Roof::copy, 2 * kArray, [](Device device) {
                     const Tensor table = random({kRows, kWidth}, device, 1);
                     std::vector<int32_t> ids(kRows);
                     for (size_t i = 0; i < ids.size(); ++i) {
                       ids[i] = static_cast<int32_t>(i * 7919 % kRows);
                     }
                     const Tensor chosen = from_values(ids, {kRows}, {i32, device});
                     return [=] { embedding(table, chosen); };
                   }});
  // Reads parameter, gradient and two moments, writes three of them.
  rows->push_back({"adamw/f32", Roof::update, 7 * kArray, [](Device device) {
                     const Shape shape{kRows, kWidth};
                     const Tensor p = random(shape, device, 1), g = random(shape, device, 2);
                     const Tensor m = zeros(shape, {f32, device}), v = zeros(shape, {f32, device});
                     const std::vector<float> numbers = {1e-4f, 0.1f, 0.001f, 1};
                     const Tensor step = from_values(numbers, {4}, {f32, device});
                     return [=] { adamw_(p, g, m, v, step, {}); };
                   }});
  rows->push_back({"copy/f32", Roof::copy, 2 * kArray, [](Device device) {
                     const Tensor x = random({kRows, kWidth}, device, 1);
                     const Tensor y = zeros({kRows, kWidth}, {f32, device});
                     return [=] { copy_(y, x); };
                   }});
  rows->push_back({"copy/transposed", Roof::copy, 2 * kArray, [](Device device) {
                     const Tensor x = random({kWidth, kRows}, device, 1);
                     return [=] { contiguous(x.transpose(0, 1)); };
                   }});
  rows->push_back({"cast/f32-bf16", Roof::copy, 1.5 * kArray, [](Device device) {
                     const Tensor x = random({kRows, kWidth}, device, 1);
                     return [=] { cast(x, bf16); };
                   }});
  rows->push_back({"write_rows/f32", Roof::copy, 2 * kArray, [](Device device) {
                     const Tensor x = random({1, kRows, kWidth}, device, 1);
                     const Tensor y = zeros({1, kRows, kWidth}, {f32, device});
                     const Tensor first = from_values(std::vector<int32_t>{0}, {1}, {i32, device});
                     return [=] { write_rows_(y, x, first); };
                   }});
  rows->push_back({"dispatch/fill", Roof::none, 1, [](Device device) {
                     const Tensor x = zeros({1}, {f32, device});
                     return [=] { fill_(x, 1); };
                   }});
}

void add_products(std::vector<OpRow>* rows) {
  for (const DType dtype : {f32, bf16}) {
    for (const int64_t n : {64, 256, 512, 1024, 2048}) {
      rows->push_back({fmt::format("matmul/{}/{}", to_string(dtype), n), Roof::multiply_adds,
                       2 * d(n * n * n), [=](Device device) {
                         const Tensor a = random({n, n}, device, 1, dtype);
                         const Tensor b = random({n, n}, device, 2, dtype);
                         return [=] { matmul(a, b); };
                       }});
    }
  }
  for (const int64_t n : {256, 1024}) {
    rows->push_back({fmt::format("matmul/f16/{}", n), Roof::multiply_adds, 2 * d(n * n * n),
                     [=](Device device) {
                       const Tensor a = random({n, n}, device, 1, f16);
                       const Tensor b = random({n, n}, device, 2, f16);
                       return [=] { matmul(a, b); };
                     }});
  }
  rows->push_back({"matmul/f32/512/backward", Roof::multiply_adds, 6 * d(kTokens * 512 * 512),
                   [](Device device) {
                     return with_backward(
                         {random({kTokens, 512}, device, 1), random({512, 512}, device, 2)},
                         [](const std::vector<Tensor>& in) { return matmul(in[0], in[1]); });
                   }});
}

// A weight as a model has it: x W^T for one token (as many bytes as W must be read; as generation
// does it; 256 MiB of them, more than caches hold) and for many. Rows of 1,536 values, a multiple
// of every format's block.
void add_weights(std::vector<OpRow>* rows) {
  constexpr int64_t kK = 1536;
  for (const DType dtype :
       {f32, f16, bf16, DType::q8_0, DType::q4_0, DType::q4_1, DType::q4_k, DType::q6_k}) {
    const bool quantised = is_quantised(dtype);
    const auto weight = [=](int64_t n, Device device) {
      return quantised ? random_blocks({n, kK}, dtype, device) : random({n, kK}, device, 1, dtype);
    };
    const LinearOptions as_generated{quantised ? Activations::int16 : Activations::f32};
    const int64_t n = (int64_t{256} << 20) / byte_size(dtype, kK);
    rows->push_back({fmt::format("matvec/{}", to_string(dtype)), Roof::read,
                     d(byte_size(dtype, n * kK)), [=](Device device) {
                       const Tensor w = weight(n, device), x = random({1, kK}, device, 2);
                       return [=] { linear(x, w, {}, as_generated); };
                     }});
    if (!quantised) continue;
    rows->push_back({fmt::format("matmul/{}/512x576x1536", to_string(dtype)), Roof::multiply_adds,
                     2 * d(kTokens * 576 * kK), [=](Device device) {
                       const Tensor w = weight(576, device), x = random({kTokens, kK}, device, 2);
                       return [=] { linear(x, w); };
                     }});
  }
}

// Low-rank terms of rank 16 on a square layer; backward gives dx, dA and dB.
void add_lora(std::vector<OpRow>* rows) {
  constexpr int64_t kD = 1024, kRank = 16;
  const double base = 2 * d(kTokens * kD * kD), low = 4 * d(kTokens * kD * kRank);
  const auto call = [](const std::vector<Tensor>& in) {
    return lora_linear(in[0], in[3], {}, in[1], in[2], {.scale = 2});
  };
  const auto operands = [](Device device) {
    return std::vector<Tensor>{random({kTokens, kD}, device, 1), random({kRank, kD}, device, 2),
                               random({kD, kRank}, device, 3), random({kD, kD}, device, 4)};
  };
  rows->push_back({"lora_linear/f32/1024", Roof::multiply_adds, base + low, [=](Device device) {
                     const auto in = operands(device);
                     return [=] { call(in); };
                   }});
  rows->push_back({"lora_linear/f32/1024/backward", Roof::multiply_adds, 2 * base + 3 * low,
                   [=](Device device) {
                     auto in = operands(device);
                     const Tensor w = in.back();
                     in.pop_back();
                     return with_backward(in, [=](std::vector<Tensor> all) {
                       all.push_back(w);
                       return call(all);
                     });
                   }});
}

// Causal: half of the T x T pairs, two products each; backward has five.
void add_attention(std::vector<OpRow>* rows) {
  constexpr int64_t kHeads = 9, kKvHeads = 3, kHead = 64;
  const double pairs = d(kTokens * (kTokens + 1) / 2 * kHeads * kHead);
  const auto operands = [](Device device) {
    return std::vector<Tensor>{random({1, kTokens, kHeads, kHead}, device, 1),
                               random({1, kTokens, kKvHeads, kHead}, device, 2),
                               random({1, kTokens, kKvHeads, kHead}, device, 3)};
  };
  const auto call = [](const std::vector<Tensor>& in) {
    const KeyRange keys = causal_range(1, kTokens, 0, in[0].device());
    return attention(in[0], in[1], in[2], keys.begin, keys.end);
  };
  rows->push_back({"attention/512x9x64", Roof::multiply_adds, 4 * pairs, [=](Device device) {
                     const auto in = operands(device);
                     return [=] { call(in); };
                   }});
  rows->push_back({"attention/512x9x64/backward", Roof::multiply_adds, 14 * pairs,
                   [=](Device device) { return with_backward(operands(device), call); }});
}

void add_cross_entropy(std::vector<OpRow>* rows) {
  constexpr int64_t kVocabulary = 49152, kD = 576;
  rows->push_back({"linear_cross_entropy/512x49152", Roof::multiply_adds,
                   4 * d(kTokens * kVocabulary * kD), [](Device device) {
                     std::vector<int32_t> ids(kTokens);
                     for (size_t i = 0; i < ids.size(); ++i) {
                       ids[i] = static_cast<int32_t>(i * 7919 % kVocabulary);
                     }
                     Tensor x = trained(random({kTokens, kD}, device, 1));
                     const Tensor w = random({kVocabulary, kD}, device, 2);
                     const Tensor targets = from_values(ids, {kTokens}, {i32, device});
                     const Tensor weights = full({kTokens}, 1.0 / kTokens, {f32, device});
                     return [=]() mutable {
                       backward(linear_cross_entropy(x, w, targets, weights));
                       x.set_grad({});
                     };
                   }});
}

// Of this machine, each measured when the first row needs it.
class Roofs {
 public:
  double of(const OpRow& row) {
    const int threads = num_threads();
    switch (row.roof) {
      case Roof::none:
        return 0;
      case Roof::copy:
        return once(&copy_, [&] { return measured_copy_bandwidth(threads); });
      case Roof::update:
        return once(&update_, [&] {
          return std::max(measured_update_bandwidth(threads), measured_read_bandwidth(threads));
        });
      case Roof::read:
        return once(&read_, [&] { return measured_read_bandwidth(threads); });
      case Roof::multiply_adds:
        break;
    }
    // bf16 instructions do twice the multiply-adds of f32 ones.
    const double factor = row.name.starts_with("matmul/bf16") && has_bf16() ? 2 : 1;
    return factor * once(&fma_, [&] { return measured_fma_peak(threads); });
  }
  static bool has_bf16() {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
  }

 private:
  template <typename F>
  static double once(double* value, F measure) {
    if (*value == 0) *value = measure();
    return *value;
  }
  double fma_ = 0, copy_ = 0, update_ = 0, read_ = 0;
};

nlohmann::json measured(const OpRow& r, Device device, Roofs* roofs) {
  const Timing t = time_work(r.prepare(device));
  if (r.roof == Roof::none) {
    nlohmann::json out = row(r.name, device, t, 1, "ns", 0);
    out["value"] = t.median * 1e9;
    return out;
  }
  const char* unit = r.roof == Roof::multiply_adds ? "GFLOP/s" : "GB/s";
  nlohmann::json out = row(r.name, device, t, r.amount / 1e9, unit, roofs->of(r) / 1e9);
  if (r.name.starts_with("matmul/bf16") && !Roofs::has_bf16()) {
    out["note"] = "this processor has no bf16 products: operands are widened to f32";
  }
  return out;
}

}  // namespace

void bench_ops(const std::string& only, Device device,
               const std::function<void(nlohmann::json)>& print) {
  std::vector<OpRow> rows;
  add_products(&rows);
  add_weights(&rows);
  add_row_ops(&rows);
  add_moving_ops(&rows);
  add_lora(&rows);
  add_attention(&rows);
  add_cross_entropy(&rows);
  Roofs roofs;
  bool any = false;
  for (const OpRow& r : rows) {
    if (interrupted()) return;
    if (r.name.find(only) == std::string::npos) continue;
    any = true;
    print(measured(r, device, &roofs));
  }
  if (!any) throw_error(ErrorCode::argument, "[bench] no row's name holds '{}'", only);
}

}  // namespace pewter::cli

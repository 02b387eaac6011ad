#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/products.h"

namespace pewter::test {
namespace {

struct Operands {
  Tensor x, w, bias, a, b;
};

Operands operands(const Shape& x, int64_t n, int64_t r, DType weight, Device device,
                  bool bias = true, DType input = f32) {
  const int64_t k = x[-1];
  return {randn(x, {input, device}, 1),
          is_quantised(weight) ? random_blocks({n, k}, weight, device)
                               : randn({n, k}, {weight, device}, 2),
          bias ? randn({n}, {f32, device}, 3) : Tensor(), randn({r, k}, {f32, device}, 4),
          randn({n, r}, {f32, device}, 5)};
}

Operands moved(const Operands& o, Device device) {
  const auto move = [&](const Tensor& t) { return t.defined() ? to_device(t, device) : t; };
  return {move(o.x), move(o.w), move(o.bias), move(o.a), move(o.b)};
}

Tensor run(const Operands& o, const LoraOptions& options) {
  return lora_linear(o.x, o.w, o.bias, o.a, o.b, options);
}

Tensor counter(uint64_t seed, uint64_t step, Device device) {
  const uint64_t words[2] = {seed, step};
  return from_bytes(std::as_bytes(std::span(words)), {16}, {DType::u8, device});
}

// The base within (K + 2) 2^-24 of its terms, u within K of its own, carried through B.
void expect_matches(const Operands& o, Device device, LoraOptions options = {}) {
  const Tensor y = run(moved(o, device), options);
  EXPECT_EQ(y.device(), device);
  Operands sizes{magnitude(o.x), magnitude(o.w), o.bias.defined() ? magnitude(o.bias) : Tensor(),
                 magnitude(o.a), magnitude(o.b)};
  LoraOptions ref_options = options;
  ref_options.scale = std::abs(options.scale);
  if (options.dropout > 0) ref_options.dropout_counter = on_ref(options.dropout_counter);
  const auto total = run(sizes, ref_options).to_vector<double>();
  ref_options.scale = options.scale;
  const double terms = static_cast<double>(o.x.size(-1) + o.a.size(0)) + 6;
  expect_close(y, run(moved(o, Device(DeviceKind::ref)), ref_options), [&](size_t i, double e) {
    return rounding_bound(y.dtype(), terms, total[i], 2 * e);
  });
}

DEVICE_TEST(LoraLinear, MatchesReference) {
  std::vector<DType> weights = {f32, f16, bf16};
  weights.insert(weights.end(), std::begin(kQuantised), std::end(kQuantised));
  for (DType weight : weights) {
    SCOPED_TRACE(std::string(to_string(weight)));
    covers(weight);
    for (int64_t m : {1, 3, 40}) {
      expect_matches(operands({m, 256}, 70, 16, weight, device), device, {.scale = 2});
      LoraOptions dropout{.scale = 0.5f, .dropout = 0.25f};
      dropout.dropout_counter = counter(7, 3, device);
      dropout.dropout_stream = 11;
      expect_matches(operands({m, 256}, 70, 8, weight, device), device, dropout);
    }
  }
}

// x in 16 bits is widened; the result is rounded once.
DEVICE_TEST(LoraLinear, NarrowInputMatchesReference) {
  for (DType input : {f16, bf16}) {
    for (DType weight : {input, DType::q4_1}) {
      expect_matches(operands({2, 5, 64}, 33, 8, weight, device, true, input), device,
                     {.scale = 2});
    }
  }
}

DEVICE_TEST(LoraLinear, OddSizes) {
  expect_matches(operands({3, 0}, 5, 2, f32, device), device);
  expect_matches(operands({3, 0}, 5, 2, f32, device, false), device);
  expect_matches(operands({0, 4}, 5, 2, f32, device), device);
  for (int64_t m : {1, 2, 7, 13}) {
    for (int64_t n : {1, 17, 33}) {
      for (int64_t k : {1, 5, 300}) {
        for (int64_t r : {1, 3, 16, 17}) {
          expect_matches(operands({m, k}, n, r, f32, device), device, {.scale = -1.5f});
        }
      }
    }
  }
  expect_matches(operands({2, 3, 40}, 20, 4, f32, device, false), device);
  for (DType weight : {f32, DType::q4_1}) {
    for (int64_t m : {4, 40}) {  // no rank at all: the base and its bias
      const Operands o = operands({m, 64}, 20, 0, weight, device);
      expect_matches(o, device);
      expect_same_bits(run(o, {}), linear(o.x, o.w, o.bias));
    }
  }
  EXPECT_EQ(run(operands({0, 40}, 20, 4, f32, device), {}).numel(), 0);
}

DEVICE_TEST(LoraLinear, ExtremeValues) {
  Operands o = operands({4, 32}, 20, 4, f32, device);
  auto x = o.x.to_vector<float>();
  x[0] = INFINITY, x[33] = NAN, x[70] = -INFINITY;
  o.x = from_values(x, {4, 32}, {f32, device});
  expect_matches(o, device, {.scale = 2});
}

// A zero B gives exactly the base; that is how adapters start.
DEVICE_TEST(LoraLinear, ZeroAdapterIsTheBase) {
  for (DType weight : {f32, DType::q4_1}) {
    for (int64_t m : {1, 5, 30}) {
      Operands o = operands({m, 256}, 70, 16, weight, device);
      o.b = zeros({70, 16}, {f32, device});
      expect_same_bits(run(o, {.scale = 2}), linear(o.x, o.w, o.bias));
    }
  }
}

DEVICE_TEST(LoraLinear, Strided) {
  Operands o = operands({30, 64}, 20, 4, f32, device);
  const Tensor expected = run(o, {});
  o.x = contiguous(o.x.transpose(0, 1)).transpose(0, 1);
  o.w = contiguous(o.w.transpose(0, 1)).transpose(0, 1);
  o.a = contiguous(o.a.transpose(0, 1)).transpose(0, 1);
  o.b = contiguous(o.b.transpose(0, 1)).transpose(0, 1);
  expect_same_bits(run(o, {}), expected);
}

DEVICE_TEST(LoraLinear, Repeatable) {
  for (DType weight : {f32, bf16, DType::q4_1, DType::q8_0}) {
    SCOPED_TRACE(std::string(to_string(weight)));
    const Operands o = operands({37, 576}, 100, 16, weight, device);
    const Tensor y = run(o, {.scale = 2});
    for (int threads : {1, 2, 5}) {
      const Threads set(threads);
      expect_same_bits(run(o, {.scale = 2}), y);
      for (int64_t rows : {1, 2, 4, 7, 8, 9, 20}) {
        Operands few = o;
        few.x = o.x.slice(0, 9, 9 + rows);
        expect_same_bits(run(few, {.scale = 2}), y.slice(0, 9, 9 + rows));
      }
    }
  }
}

std::vector<Tensor> inputs_of(const Operands& o) {
  std::vector<Tensor> in = {o.x, o.a, o.b};
  for (Tensor& t : in) t.set_requires_grad();
  return in;
}

// The low-rank chain goes on from the sums that the rounded product left.
DEVICE_TEST(LoraLinear, RoundedActivationsAddTheSameLowRankTerm) {
  const Operands o = operands({21, 256}, 72, 8, DType::q4_1, device);
  const LoraOptions rounded{.scale = 2, .activations = Activations::int16};
  const Tensor y = lora_linear(o.x, o.w, o.bias, o.a, o.b, rounded);
  const Tensor base = linear(o.x, o.w, o.bias, {Activations::int16});
  const Tensor exact =
      sub(lora_linear(o.x, o.w, o.bias, o.a, o.b, {.scale = 2}), linear(o.x, o.w, o.bias));
  const auto size =
      lora_linear(magnitude(o.x), magnitude(o.w), {}, magnitude(o.a), magnitude(o.b), {.scale = 2})
          .to_vector<double>();
  expect_close(sub(y, base), exact, [&](size_t i, double) {  // two chains differ, twice
    return 4 * (256 + 8 + 2) * 0x1p-24 * size[i];
  });
  for (int64_t rows : {1, 2, 8, 9, 13}) {
    expect_same_bits(lora_linear(o.x.slice(0, 4, 4 + rows), o.w, o.bias, o.a, o.b, rounded),
                     y.slice(0, 4, 4 + rows));
  }
}

DEVICE_TEST(LoraLinear, GradientMatchesFiniteDifference) {
  for (float dropout : {0.0f, 0.3f}) {
    const Operands o = operands({2, 3, 12}, 7, 4, f32, device);
    expect_gradients(
        [&](const auto& in) {
          const Device where = in[0].device();
          LoraOptions options{.scale = 1.5f, .dropout = dropout};
          if (dropout > 0) options.dropout_counter = counter(5, 9, where);
          return lora_linear(in[0], to_device(o.w, where), to_device(o.bias, where), in[1], in[2],
                             options);
        },
        inputs_of(o), device, 32);
  }
  const Operands q = operands({3, 64}, 20, 4, DType::q4_1, device, false);
  expect_gradients(
      [&](const auto& in) {
        return lora_linear(in[0], to_device(q.w, in[0].device()), {}, in[1], in[2], {.scale = 2});
      },
      inputs_of(q), device, 64);
}

// dx, dA, dB.
std::vector<Tensor> gradients(const Operands& o, const Tensor& dy, Device device,
                              LoraOptions options) {
  if (options.dropout > 0) options.dropout_counter = counter(5, 9, device);
  const Operands own = moved(o, device);
  const auto in = inputs_of(own);
  backward(lora_linear(in[0], own.w, own.bias, in[1], in[2], options), to_device(dy, device));
  return {in[0].grad(), in[1].grad(), in[2].grad()};
}

// Each is two chains; the sizes of their terms are what the operands' magnitudes give.
void expect_gradients_match(const Operands& o, Device device, const LoraOptions& options) {
  const int64_t m = o.x.size(0), k = o.x.size(1), n = o.w.size(0), r = o.a.size(0);
  const Tensor dy = randn({m, n}, {f32, device}, 8);
  const Device ref(DeviceKind::ref);
  const auto got = gradients(o, dy, device, options), expected = gradients(o, dy, ref, options);
  const Operands sizes{magnitude(o.x), magnitude(o.w), {}, magnitude(o.a), magnitude(o.b)};
  const auto total = gradients(sizes, magnitude(dy), ref, options);
  const int64_t terms[] = {n + r + 6, m + n + 6, m + k + 6};
  for (size_t i = 0; i < 3; ++i) {
    const auto size = total[i].to_vector<double>();
    expect_close(got[i], expected[i], [&](size_t at, double e) {
      return rounding_bound(f32, static_cast<double>(terms[i]), size[at], e);
    });
  }
}

// Ranks that ride, that need a second panel, and that are too large for either; more than one block
// of k both ways; few rows and many.
DEVICE_TEST(LoraLinear, GradientsMatchReference) {
  for (float dropout : {0.0f, 0.3f}) {
    for (int64_t r : {1, 33, 64, 65, 130}) {
      for (int64_t m : {1, 8, 9, 60}) {
        for (DType weight : {f32, bf16, DType::q4_1}) {
          const LoraOptions options{.scale = 1.5f, .dropout = dropout};
          expect_gradients_match(operands({m, 320}, m == 9 ? 577 : 70, r, weight, device), device,
                                 options);
        }
      }
    }
  }
}

// The forward at the same edges: u on the way, alone, and beside kernels that know no second term.
DEVICE_TEST(LoraLinear, RanksMatchReference) {
  for (int64_t r : {33, 64, 65, 130}) {
    for (int64_t m : {1, 7, 9, 60}) {
      for (DType weight : {f32, bf16, DType::q4_1}) {
        expect_matches(operands({m, 320}, 70, r, weight, device), device, {.scale = 2});
      }
    }
  }
}

DEVICE_TEST(LoraLinear, GradientsRepeatable) {
  for (float dropout : {0.0f, 0.1f}) {
    const Operands o = operands({50, 576}, 200, 16, DType::q4_1, device);
    const Tensor dy = randn({50, 200}, {f32, device}, 8);
    const LoraOptions options{.scale = 2, .dropout = dropout};
    const auto first = gradients(o, dy, device, options);
    for (int threads : {1, 2, 3}) {
      const Threads set(threads);
      const auto again = gradients(o, dy, device, options);
      for (size_t i = 0; i < 3; ++i) expect_same_bits(again[i], first[i]);
    }
  }
}

// The share of kept elements, their scale, and that streams and steps differ.
DEVICE_TEST(LoraLinear, DropoutKeepsTheShareAskedFor) {
  const int64_t n = 20000;
  Operands o{full({n, 1}, 1, {f32, device}),
             zeros({1, 1}, {f32, device}),
             {},
             full({1, 1}, 1, {f32, device}),
             full({1, 1}, 1, {f32, device})};
  LoraOptions options{.dropout = 0.25f};
  const auto kept = [&](uint64_t seed, uint64_t step, uint64_t stream) {
    options.dropout_counter = counter(seed, step, device);
    options.dropout_stream = stream;
    return run(o, options).to_vector<float>();
  };
  const auto first = kept(1, 1, 1);
  int64_t count = 0;
  for (float v : first) {
    ASSERT_TRUE(v == 0 || v == 1 / (1 - 0.25f));
    count += v != 0;
  }
  // Five standard deviations of a binomial.
  EXPECT_NEAR(static_cast<double>(count), 0.75 * n, 5 * std::sqrt(0.75 * 0.25 * n));
  EXPECT_EQ(kept(1, 1, 1), first);
  for (const auto& other : {kept(2, 1, 1), kept(1, 2, 1), kept(1, 1, 2)}) EXPECT_NE(other, first);
}

// What a captured step relies on: the counter is read when the work runs.
DEVICE_TEST(LoraLinear, ReplayReadsTheCounter) {
  const Operands o = operands({8, 32}, 16, 4, f32, device);
  LoraOptions options{.dropout = 0.5f};
  options.dropout_counter = counter(3, 1, device);
  Tensor y;
  const Graph graph = capture(default_stream(device), [&] { y = run(o, options); });
  copy_(options.dropout_counter, counter(3, 2, device));
  graph.replay();
  expect_same_bits(y, run(o, options));
  LoraOptions before = options;
  before.dropout_counter = counter(3, 1, device);
  EXPECT_NE(run(o, before).to_vector<float>(), y.to_vector<float>());
}

DEVICE_TEST(LoraLinear, RejectsBadArguments) {
  const Operands ok = operands({2, 32}, 16, 4, f32, device);
  const auto code = [&](auto change, LoraOptions options = {}) {
    Operands o = ok;
    change(o);
    try {
      run(o, options);
    } catch (const Error& e) {
      return e.code();
    }
    return ErrorCode::io;  // none was thrown
  };
  const auto nothing = [](Operands&) {};
  const auto z = [&](const Shape& s, DType t = f32) { return zeros(s, {t, device}); };
  EXPECT_EQ(code([&](Operands& o) { o.x = Tensor(); }), ErrorCode::argument);
  EXPECT_EQ(code([&](Operands& o) { o.a = Tensor(); }), ErrorCode::argument);
  EXPECT_EQ(code([&](Operands& o) { o.x = z({2, 31}); }), ErrorCode::shape);
  EXPECT_EQ(code([&](Operands& o) { o.a = z({4, 31}); }), ErrorCode::shape);
  EXPECT_EQ(code([&](Operands& o) { o.b = z({16, 5}); }), ErrorCode::shape);
  EXPECT_EQ(code([&](Operands& o) { o.bias = z({15}); }), ErrorCode::shape);
  EXPECT_EQ(code([&](Operands& o) { o.a = z({4, 32}, f16); }), ErrorCode::dtype);
  EXPECT_EQ(code([&](Operands& o) {
              o.b = zeros({16, 4}, {f32, Device(DeviceKind::ref)});
            }),
            ErrorCode::device);
  EXPECT_EQ(code(nothing, {.dropout = 1}), ErrorCode::argument);
  EXPECT_EQ(code(nothing, {.dropout = -0.1f}), ErrorCode::argument);
  EXPECT_EQ(code(nothing, {.dropout = 0.1f}), ErrorCode::argument);  // no counter
  const auto counted = [](const Tensor& t) {
    return LoraOptions{.dropout = 0.1f, .dropout_counter = t};
  };
  LoraOptions stream = counted(counter(1, 1, device));
  stream.dropout_stream = (1 << 20) - 1;
  EXPECT_EQ(code(nothing, stream), ErrorCode::io);
  ++stream.dropout_stream;  // would be stream 0 of the next step
  EXPECT_EQ(code(nothing, stream), ErrorCode::argument);
  EXPECT_EQ(code(nothing, counted(z({16}))), ErrorCode::dtype);
  EXPECT_EQ(code(nothing, counted(z({8}, DType::u8))), ErrorCode::shape);
  EXPECT_EQ(code(nothing, counted(z({32}, DType::u8).slice(0, 0, 32, 2))), ErrorCode::dtype);
  EXPECT_EQ(code(nothing, counted(z({17}, DType::u8).slice(0, 1, 17))), ErrorCode::dtype);
}

}  // namespace
}  // namespace pewter::test

#include <cmath>
#include <limits>

#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/products.h"

namespace pewter::test {
namespace {

struct Case {
  Tensor q, k, v, begin, end;
  Tensor on(Device device, AttentionOptions o = {}) const {
    const auto to = [&](const Tensor& t) { return to_device(t, device); };
    return attention(to(q), to(k), to(v), to(begin), to(end), o);
  }
};

Tensor integers(const std::vector<int32_t>& v, int64_t batch) {
  return from_values(v, {batch, static_cast<int64_t>(v.size()) / batch}, {i32, "cpu"});
}

struct Sizes {
  int64_t batch, t, s, h, h_kv, d;
};

Case random_case(const Sizes& z, const std::function<std::pair<int, int>(int)>& interval,
                 DType dtype = f32) {
  std::vector<int32_t> begin, end;
  for (int64_t i = 0; i < z.batch * z.t; ++i) {
    const auto [b, e] = interval(static_cast<int>(i % z.t));
    begin.push_back(b);
    end.push_back(e);
  }
  return {randn({z.batch, z.t, z.h, z.d}, {dtype, "cpu"}, 1),
          randn({z.batch, z.s, z.h_kv, z.d}, {dtype, "cpu"}, 2),
          randn({z.batch, z.s, z.h_kv, z.d}, {dtype, "cpu"}, 3), integers(begin, z.batch),
          integers(end, z.batch)};
}

std::pair<int, int> causal(int t) { return {0, t + 1}; }

double largest(const Tensor& t) {
  double max = 0;
  for (double x : t.to_vector<double>()) max = std::max(max, std::abs(x));
  return max;
}

// attention.h's bound, with the largest |v| for the weighted |v| and the largest possible score.
void expect_matches(const Case& c, Device device) {
  const auto keys = static_cast<double>(c.k.size(1)), d = static_cast<double>(c.q.size(3));
  const double v = largest(c.v), score = std::sqrt(d) * largest(c.q) * largest(c.k);
  const Tensor y = c.on(device);
  EXPECT_EQ(y.device(), device);
  expect_close(y, c.on(Device(DeviceKind::ref)), [&](size_t, double e) {
    return rounding_bound(c.q.dtype(), keys + d + 16 + (d + 2) * score, v, e);
  });
}

DEVICE_TEST(Attention, MatchesReference) {
  for (DType dtype : {f32, f16, bf16}) {
    expect_matches(random_case({2, 150, 150, 9, 3, 64}, causal, dtype), device);
  }
}

DEVICE_TEST(Attention, OddSizes) {
  for (const Sizes& z : {Sizes{1, 1, 1, 1, 1, 1},
                         {1, 3, 3, 2, 1, 3},
                         {2, 65, 65, 3, 3, 17},
                         {1, 33, 33, 8, 2, 130},
                         {1, 7, 7, 100, 1, 5}}) {
    expect_matches(random_case(z, causal), device);
  }
  EXPECT_EQ(random_case({1, 0, 5, 2, 1, 4}, causal).on(device).numel(), 0);
}

DEVICE_TEST(Attention, NonCausalAndWindows) {
  expect_matches(random_case({1, 20, 70, 2, 2, 8}, [](int) { return std::pair(0, 70); }), device);
  expect_matches(random_case({1, 90, 90, 2, 1, 8},
                             [](int t) { return std::pair(std::max(0, t - 10), t + 1); }),
                 device);
}

DEVICE_TEST(Attention, EmptyIntervalGivesZeros) {
  const Case c =
      random_case({1, 4, 4, 2, 1, 8}, [](int t) { return std::pair(t, t == 2 ? 2 : 4); });
  const Tensor y = c.on(device);
  for (float x : y.slice(1, 2, 3).to_vector<float>()) EXPECT_EQ(x, 0.0f);
  expect_matches(c, device);
}

// An end however far before the begin is an empty interval too, backwards as well.
DEVICE_TEST(Attention, EndFarBeforeBeginGivesZeros) {
  const int lowest = std::numeric_limits<int32_t>::min();
  const Case c =
      random_case({1, 4, 4, 2, 1, 8}, [&](int t) { return std::pair(t, t == 2 ? lowest : 4); });
  expect_matches(c, device);
  Tensor q = to_device(c.q, device);
  q.set_requires_grad();
  const auto to = [&](const Tensor& t) { return to_device(t, device); };
  const Tensor y = attention(q, to(c.k), to(c.v), to(c.begin), to(c.end));
  for (float x : y.slice(1, 2, 3).to_vector<float>()) EXPECT_EQ(x, 0.0f);
  backward(sum(y));
  for (float x : q.grad().slice(1, 2, 3).to_vector<float>()) EXPECT_EQ(x, 0.0f);
}

// A document alone, in the middle of a packed row, and beside others: the same bits.
DEVICE_TEST(Attention, PackedDocumentsKeepTheirBits) {
  const int length[] = {45, 70, 5, 30};
  std::vector<std::pair<int, int>> intervals;
  for (int n : length) {
    const int start = static_cast<int>(intervals.size());
    for (int i = 0; i < n; ++i) intervals.emplace_back(start, start + i + 1);
  }
  const int64_t total = static_cast<int64_t>(intervals.size());
  const Case packed = random_case({1, total, total, 6, 2, 32},
                                  [&](int t) { return intervals[static_cast<size_t>(t)]; });
  const Tensor all = packed.on(device);
  int64_t start = 0;
  for (int n : length) {
    const auto part = [&](const Tensor& t) {
      return to_device(t.slice(1, start, start + n), device);
    };
    const KeyRange keys = causal_range(1, n, 0, device);
    expect_same_bits(
        attention(part(packed.q), part(packed.k), part(packed.v), keys.begin, keys.end),
        all.slice(1, start, start + n));
    start += n;
  }
}

// A prompt in pieces, down to single tokens, against a longer cache with rubbish behind.
DEVICE_TEST(Attention, CutPromptKeepsItsBits) {
  const Case c = random_case({1, 150, 150, 6, 2, 64}, causal);
  const Tensor whole = c.on(device);
  for (int64_t piece : {1, 7, 64, 100}) {
    for (int64_t at = 0; at < 150; at += piece) {
      const int64_t n = std::min(piece, 150 - at);
      const Tensor cache_k = full({1, 200, 2, 64}, NAN, {f32, device});
      const Tensor cache_v = full({1, 200, 2, 64}, NAN, {f32, device});
      copy_(cache_k.slice(1, 0, at + n), to_device(c.k.slice(1, 0, at + n), device));
      copy_(cache_v.slice(1, 0, at + n), to_device(c.v.slice(1, 0, at + n), device));
      const KeyRange keys = causal_range(1, n, at, device);
      expect_same_bits(attention(to_device(c.q.slice(1, at, at + n), device), cache_k, cache_v,
                                 keys.begin, keys.end),
                       whole.slice(1, at, at + n));
    }
  }
}

DEVICE_TEST(Attention, ExtremeValues) {
  Case c = random_case({1, 6, 6, 1, 1, 4}, causal);
  auto k = c.k.to_vector<float>();
  k[4 * 4] = INFINITY, k[5 * 4] = NAN;
  c.k = from_values(k, c.k.shape(), {f32, "cpu"});
  expect_matches(c, device);  // the rows before the bad keys are not touched
  Case huge = random_case({1, 6, 6, 1, 1, 4}, causal);
  huge.q = scale(huge.q, 1e4);
  const Tensor y = huge.on(device);
  for (float x : y.to_vector<float>()) EXPECT_TRUE(std::isfinite(x));
}

DEVICE_TEST(Attention, Strided) {
  const Case c = random_case({2, 40, 40, 4, 2, 16}, causal);
  const Tensor heads_first = contiguous(to_device(c.q, device).transpose(1, 2)).transpose(1, 2);
  const auto to = [&](const Tensor& t) { return to_device(t, device); };
  expect_same_bits(attention(heads_first, to(c.k), to(c.v), to(c.begin), to(c.end)), c.on(device));
}

DEVICE_TEST(Attention, Repeatable) {
  const Case c = random_case({3, 130, 130, 9, 3, 64}, causal);
  const Tensor y = c.on(device);
  const int threads = num_threads();
  for (int n : {1, 2, 3}) {
    set_num_threads(n);
    expect_same_bits(c.on(device), y);
  }
  set_num_threads(threads);
  const auto second = [&](const Tensor& t) { return to_device(t.slice(0, 1, 2), device); };
  expect_same_bits(attention(second(c.q), second(c.k), second(c.v), second(c.begin), second(c.end)),
                   y.slice(0, 1, 2));
}

DEVICE_TEST(Attention, GradientMatchesFiniteDifference) {
  // Two packed documents, grouped heads, and keys in more than one block.
  Case c =
      random_case({1, 80, 80, 4, 2, 5}, [](int t) { return std::pair(t < 70 ? 0 : 70, t + 1); });
  c.q.set_requires_grad();
  c.k.set_requires_grad();
  c.v.set_requires_grad();
  expect_gradients(
      [&](const std::vector<Tensor>& in) {
        const Device d = in[0].device();
        return attention(in[0], in[1], in[2], to_device(c.begin, d), to_device(c.end, d));
      },
      {c.q, c.k, c.v}, device, 4);
}

std::vector<Tensor> gradients_on(const Case& c, Device d) {
  std::vector<Tensor> in = {to_device(c.q, d), to_device(c.k, d), to_device(c.v, d)};
  for (Tensor& t : in) t.set_requires_grad();
  const Tensor y = attention(in[0], in[1], in[2], to_device(c.begin, d), to_device(c.end, d));
  backward(y, to_device(randn(y.shape(), {f32, "cpu"}, 4), d));
  return {in[0].grad(), in[1].grad(), in[2].grad()};
}

void expect_gradients_match(const Case& c, Device device) {
  const auto got = gradients_on(c, device), expected = gradients_on(c, Device(DeviceKind::ref));
  const auto s = c.k.size(1), group = c.q.size(2) / c.k.size(2), d = c.q.size(3);
  for (size_t i = 0; i < 3; ++i) {
    // Sums of at most S * group terms, each with the forward's error in p, of size <= |dy||q||k|.
    const double terms = static_cast<double>(s * group + d + 16);
    const double size = largest(expected[i]) + static_cast<double>(d);
    expect_close(got[i], expected[i],
                 [&](size_t, double e) { return rounding_bound(f32, terms, size, e); });
  }
}

DEVICE_TEST(Attention, GradientsMatchReference) {
  for (const Sizes& z : {Sizes{2, 70, 70, 6, 2, 24}, {1, 130, 130, 9, 3, 64}, {1, 9, 9, 2, 2, 3}}) {
    const auto packed = [](int t) { return std::pair(t / 50 * 50, t + 1); };
    expect_gradients_match(random_case(z, packed), device);
  }
}

// Several strips of queries in each row of a batch, whole and in packed documents, with queries
// that see nothing wherever their intervals lie: each strip's sums reach its own keys alone.
const std::function<std::pair<int, int>(int)> kManyStrips[] = {
    causal,
    [](int t) { return t % 97 == 5 ? std::pair(700, 0) : std::pair(t / 210 * 210, t + 1); },
    [](int t) { return t < 400 ? std::pair(700, 3) : std::pair(t - 40, t - 30); },
};

DEVICE_TEST(Attention, GradientsOfLongTextsMatchReference) {
  for (const auto& interval : kManyStrips) {
    expect_gradients_match(random_case({2, 700, 700, 6, 2, 12}, interval), device);
  }
}

DEVICE_TEST(Attention, GradientsRepeatable) {
  for (const auto& interval : kManyStrips) {
    const Case c = random_case({2, 700, 700, 6, 2, 12}, interval);
    const auto first = gradients_on(c, device);
    for (int threads : {1, 2, 5}) {
      const Threads set(threads);
      const auto again = gradients_on(c, device);
      for (size_t i = 0; i < 3; ++i) expect_same_bits(again[i], first[i]);
    }
  }
}

DEVICE_TEST(Attention, NoQueriesGiveZeroGradients) {
  for (const Shape& shape : {Shape{1, 0, 2, 4}, Shape{1, 3, 0, 4}}) {
    Tensor q = zeros(shape, {f32, device}), k = randn({1, 5, 2, 4}, {f32, device}, 1);
    Tensor v = randn({1, 5, 2, 4}, {f32, device}, 2);
    for (Tensor* t : {&q, &k, &v}) t->set_requires_grad();
    const KeyRange keys = causal_range(1, shape[1], 0, device);
    backward(sum(attention(q, k, v, keys.begin, keys.end)));
    EXPECT_EQ(q.grad().shape(), shape);
    for (float x : k.grad().to_vector<float>()) EXPECT_EQ(x, 0.0f);
    for (float x : v.grad().to_vector<float>()) EXPECT_EQ(x, 0.0f);
  }
}

DEVICE_TEST(Attention, RejectsBadArguments) {
  const Case c = random_case({1, 4, 4, 4, 2, 8}, causal);
  const auto code = [&](Tensor q, Tensor k, Tensor v, Tensor b, Tensor e) {
    const auto to = [&](const Tensor& t) { return to_device(t, device); };
    return code_of([&] { attention(to(q), to(k), to(v), to(b), to(e)); });
  };
  const TensorOptions cpu{f32, "cpu"};
  EXPECT_EQ(code(c.q, c.k, c.v, c.begin, c.end), "none");
  EXPECT_EQ(code(zeros({1, 4, 3, 8}, cpu), c.k, c.v, c.begin, c.end), "shape");  // 3 heads on 2
  EXPECT_EQ(code(c.q, zeros({1, 4, 2, 9}, cpu), c.v, c.begin, c.end), "shape");
  EXPECT_EQ(code(c.q, c.k, zeros({1, 5, 2, 8}, cpu), c.begin, c.end), "shape");
  EXPECT_EQ(code(c.q, cast(c.k, bf16), c.v, c.begin, c.end), "dtype");
  EXPECT_EQ(code(c.q, c.k, c.v, zeros({1, 4}, cpu), c.end), "dtype");              // not integers
  EXPECT_EQ(code(c.q, c.k, c.v, c.begin, integers({1, 2, 3, 5}, 1)), "argument");  // past the keys
  EXPECT_EQ(code(c.q, c.k, c.v, integers({-1, 0, 0, 0}, 1), c.end), "argument");
  EXPECT_EQ(code(c.q, c.k, c.v, integers({0, 0, 5, 0}, 1), integers({1, 2, 0, 4}, 1)), "argument");
  const auto on = [&](const Tensor& t) { return to_device(t, device); };
  EXPECT_EQ(code_of([&] { attention(on(c.q), on_ref(c.k), on(c.v), on(c.begin), on(c.end)); }),
            "device");
}

}  // namespace
}  // namespace pewter::test

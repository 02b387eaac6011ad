// Products against this machine's own roofs, for whoever works on them: square f32, LoRA's training
// shapes on quantised weights, and decoding. The instruction set can be limited, because a kernel
// must be good on machines that have less than this one.
//   bench_kernels [--threads N] [--isa avx2|avx512|all] [--only TEXT] [--seconds S]
#include <fmt/format.h>
#include <hwy/targets.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "cli/roof.h"
#include "ops/linear/linear.h"
#include "pewter/pewter.h"

namespace pewter {
namespace {

struct Options {
  int threads = 1;
  std::string isa = "all", only;
  double seconds = 0.3;
};

struct Timing {
  double median = 0, spread = 0;
};

Timing time_work(const std::function<void()>& work, double seconds) {
  using Clock = std::chrono::steady_clock;
  for (int i = 0; i < 3; ++i) work();
  std::vector<double> times;
  double total = 0;
  while (total < seconds || times.size() < 7) {
    const auto start = Clock::now();
    work();
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    total += times.back();
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  return {median, (times[times.size() * 3 / 4] - times[times.size() / 4]) / median};
}

class Bench {
 public:
  explicit Bench(const Options& o) : o_(o), threads_(o.threads) {
    set_num_threads(threads_);
    peak_ = cli::measured_fma_peak(threads_) / 1e9;
    read_ = cli::measured_read_bandwidth(threads_) / 1e9;
    fmt::print("{} threads, {}: {:.1f} GFLOP/s, read {:.1f} GB/s\n", threads_, o_.isa, peak_,
               read_);
  }
  // `flops` against the peak of multiply-adds (measured again: clocks drift), or `bytes` against
  // what can be read. `base` is a time to compare with, 0 for none.
  double row(const std::string& name, double flops, double bytes, const std::function<void()>& work,
             double base = 0) {
    if (name.find(o_.only) == name.npos) return 0;
    if (flops > 0) peak_ = cli::measured_fma_peak(threads_) / 1e9;
    const Timing t = time_work(work, o_.seconds);
    fmt::print("{:<34}{:>10.1f} us", name, t.median * 1e6);
    if (flops > 0) {
      fmt::print("{:>9.1f} GFLOP/s {:5.1f} %", flops / t.median / 1e9,
                 100 * flops / t.median / 1e9 / peak_);
    }
    if (bytes > 0) {
      fmt::print("{:>9.2f} GB/s {:5.1f} %", bytes / t.median / 1e9,
                 100 * bytes / t.median / 1e9 / read_);
    }
    fmt::print("  spread {:4.1f} %", 100 * t.spread);
    if (base > 0) fmt::print("  {:.3f} x base", t.median / base);
    fmt::print("\n");
    std::fflush(stdout);
    return t.median;
  }

 private:
  Options o_;
  int threads_;
  double peak_ = 0, read_ = 0;
};

Tensor random_blocks(const Shape& shape, DType dtype) {
  // Any bytes are valid blocks; scales are made small and finite.
  std::vector<std::byte> bytes(static_cast<size_t>(byte_size(dtype, shape.numel())));
  uint32_t state = 12345;
  for (std::byte& b : bytes)
    b = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
  const DTypeInfo& i = info(dtype);
  const uint16_t small = to_half(0.01f).bits;
  const bool k_quant = dtype == DType::q4_k || dtype == DType::q5_k;
  const size_t at = dtype == DType::q6_k ? 208 : 0, halves = dtype == DType::q6_k ? 1 : 2;
  for (size_t b = 0; b < bytes.size(); b += static_cast<size_t>(i.block_bytes)) {
    for (size_t h = 0; h < halves; ++h) {
      if (h == 1 && !k_quant && dtype != DType::q4_1 && dtype != DType::q5_1) break;
      std::memcpy(&bytes[b + at + 2 * h], &small, 2);
    }
  }
  return from_bytes(bytes, shape, {dtype, "cpu"});
}

double d(int64_t i) { return static_cast<double>(i); }

void square(Bench& bench) {
  for (int64_t n : {16, 32, 64, 128, 256, 512, 1024, 2048}) {
    const Tensor a = randn({n, n}, {}, 1), b = randn({n, n}, {}, 2);
    bench.row(fmt::format("matmul/f32/{}", n), 2 * d(n) * d(n) * d(n), 0, [&] { matmul(a, b); });
  }
  for (int64_t n : {64, 512}) {
    const Tensor a = randn({n, n}, {}, 1), b = randn({n, n}, {}, 2);
    bench.row(fmt::format("matmul/f32/{}/transposed", n), 2 * d(n) * d(n) * d(n), 0,
              [&] { matmul(a, b, {.transpose_a = true, .transpose_b = true}); });
  }
  for (int64_t n : {64, 512, 1024}) {
    const Tensor a = randn({n, n}, {bf16}, 1), b = randn({n, n}, {bf16}, 2);
    bench.row(fmt::format("matmul/bf16/{}", n), 2 * d(n) * d(n) * d(n), 0, [&] { matmul(a, b); });
  }
}

void narrow(Bench& bench) {
  const int64_t t = 512, r = 16;
  for (int64_t k : {576, 1536}) {
    const Tensor x = randn({t, k}, {}, 1), a = randn({r, k}, {}, 2), u = randn({t, r}, {}, 3);
    const double flops = 2.0 * d(t * k * r);
    bench.row(fmt::format("matmul/{}x{}x{}", t, k, r), flops, 0,
              [&] { matmul(x, a, {.transpose_b = true}); });
    bench.row(fmt::format("matmul/{}x{}x{}", t, r, k), flops, 0, [&] { matmul(u, a); });
    bench.row(fmt::format("matmul/{}x{}x{}", r, t, k), flops, 0,
              [&] { matmul(u, x, {.transpose_a = true}); });
    bench.row(fmt::format("matmul/{}x{}x{}", k, t, r), flops, 0,
              [&] { matmul(x, u, {.transpose_a = true}); });
  }
}

void quantised(Bench& bench) {
  struct Size {
    int64_t n, k;
  };
  for (const Size s : {Size{576, 576}, Size{192, 576}, Size{1536, 576}, Size{576, 1536}}) {
    const Tensor w = random_blocks({s.n, s.k}, DType::q4_1);
    const Tensor f = cast(w, f32);
    const Tensor x = randn({512, s.k}, {}, 1), dy = randn({512, s.n}, {}, 2);
    const Tensor dx = empty({512, s.k}, {});
    const WeightArgs wa = weight_args(w);
    const double flops = 2.0 * 512 * d(s.n * s.k);
    const auto label = [&](const char* what) {
      return fmt::format("{}/512x{}x{}", what, s.k, s.n);
    };
    bench.row(label("linear/f32"), flops, 0, [&] { linear(x, f); });
    bench.row(label("linear/q4_1"), flops, 0, [&] { linear(x, w); });
    bench.row(label("linear/q4_1/dx"), flops, 0, [&] {
      cpu::linear_input_grad(
          {wa, static_cast<const float*>(dy.data()), static_cast<float*>(dx.data()), 512});
    });
    bench.row(label("linear/f32/dw"), flops, 0, [&] { matmul(dy, x, {.transpose_a = true}); });
  }
}

void decode(Bench& bench) {
  // Every row of this weight is read from memory; four copies exceed the caches together.
  for (const DType dtype : {DType::q4_1, DType::q8_0, DType::q4_k, DType::q6_k, f32, bf16}) {
    const int64_t n = 49152, k = dtype == DType::q4_k || dtype == DType::q6_k ? 768 : 576;
    const Tensor w = is_quantised(dtype) ? random_blocks({n, k}, dtype) : randn({n, k}, {dtype}, 5);
    for (int64_t m : {1, 4, 8}) {
      const Tensor x = randn({m, k}, {}, 1);
      bench.row(fmt::format("matvec/{}/{}x{}x{}", to_string(dtype), m, k, n),
                m > 1 ? 2.0 * d(m * n * k) : 0, d(byte_size(dtype, n * k)), [&] { linear(x, w); });
    }
  }
  std::vector<Tensor> blocks;
  for (int64_t i = 0; i < 30; ++i) {
    for (int64_t n : {576, 192, 192, 576, 1536, 1536})
      blocks.push_back(random_blocks({n, 576}, DType::q4_1));
    blocks.push_back(random_blocks({576, 1536}, DType::q4_1));
  }
  const Tensor head = random_blocks({49152, 576}, DType::q8_0);
  const Tensor x = randn({1, 576}, {}, 1), h = randn({1, 1536}, {}, 1);
  double bytes = d(byte_size(DType::q8_0, 49152 * 576));
  for (const Tensor& w : blocks) bytes += d(byte_size(DType::q4_1, w.numel()));
  bench.row("decode/products of smollm2", 0, bytes, [&] {
    for (const Tensor& w : blocks) linear(w.size(1) == 576 ? x : h, w);
    linear(x, head);
  });
}

void low_rank(Bench& bench) {
  struct Case {
    int64_t t, n, k;
    DType dtype;
  };
  for (const Case c : {Case{512, 576, 576, DType::q4_1}, Case{512, 1536, 576, DType::q4_1},
                       Case{512, 576, 1536, DType::q4_1}, Case{512, 192, 576, DType::q4_1},
                       Case{256, 1024, 1024, f32}, Case{512, 2048, 2048, f32},
                       Case{1, 576, 576, DType::q4_1}, Case{1, 1536, 576, DType::q4_1}}) {
    const Tensor w =
        is_quantised(c.dtype) ? random_blocks({c.n, c.k}, c.dtype) : randn({c.n, c.k}, {}, 3);
    Tensor x = randn({c.t, c.k}, {}, 1), a = randn({16, c.k}, {}, 2), b = randn({c.n, 16}, {}, 4);
    const Tensor g = randn({c.t, c.n}, {}, 5), dx = empty({c.t, c.k}, {});
    const auto name = [&](const char* what) {
      return fmt::format("lora/{}/{}/{}x{}x{}", what, to_string(c.dtype), c.t, c.k, c.n);
    };
    const double flops = 2.0 * d(c.t * c.n * c.k);
    const double base = bench.row(name("base"), flops, 0, [&] { linear(x, w); });
    bench.row(
        name("forward"), flops, 0, [&] { lora_linear(x, w, {}, a, b, {.scale = 2}); }, base);
    if (c.t == 1) continue;
    const WeightArgs wa = weight_args(w);
    const double both = bench.row(name("base+dx"), 2 * flops, 0, [&] {
      linear(x, w);
      cpu::linear_input_grad(
          {wa, static_cast<const float*>(g.data()), static_cast<float*>(dx.data()), c.t});
    });
    x.set_requires_grad(), a.set_requires_grad(), b.set_requires_grad();
    bench.row(
        name("forward+backward"), 2 * flops, 0,
        [&] {
          backward(lora_linear(x, w, {}, a, b, {.scale = 2}), g);
          x.set_grad({}), a.set_grad({}), b.set_grad({});
        },
        both);
  }
}

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string key = argv[i], value = argv[i + 1];
    if (key == "--threads")
      o.threads = std::stoi(value);
    else if (key == "--isa")
      o.isa = value;
    else if (key == "--only")
      o.only = value;
    else if (key == "--seconds")
      o.seconds = std::stod(value);
  }
  return o;
}

int run(int argc, char** argv) {
  const Options o = parse(argc, argv);
  if (o.isa == "avx2") hwy::SetSupportedTargetsForTest(HWY_AVX2);
  if (o.isa == "avx512") hwy::SetSupportedTargetsForTest(HWY_AVX3);
  Bench bench(o);
  square(bench);
  narrow(bench);
  quantised(bench);
  low_rank(bench);
  decode(bench);
  return 0;
}

}  // namespace
}  // namespace pewter

int main(int argc, char** argv) { return pewter::run(argc, argv); }

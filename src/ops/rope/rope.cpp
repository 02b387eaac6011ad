#include "rope.h"

#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<RopeArgs> kRope{"rope", cpu::rope, ref::rope};
constexpr Kernels<RopeTablesArgs> kTables{"rope_tables", cpu::rope_tables, ref::rope_tables};

Tensor with_unit_rows(const Tensor& t) {
  return t.size(-1) == 1 || t.strides()[-1] == 1 ? t : contiguous(t);
}

void check_tables(const Tensor& x, const Tensor& cos, const Tensor& sin) {
  check_floating("rope", "x", x);
  check_defined("rope", "cos", cos);
  check_defined("rope", "sin", sin);
  check_same_device("rope", {x, cos, sin});
  if (x.rank() < 2 || x.size(-1) % 2 != 0) {
    throw_error(ErrorCode::shape, "[rope] x is {}, expected [..., heads, even size]",
                x.shape().to_string());
  }
  if (cos.dtype() != f32 || sin.dtype() != f32) {
    throw_error(ErrorCode::dtype, "[rope] tables of {} and {}; f32 is needed",
                to_string(cos.dtype()), to_string(sin.dtype()));
  }
  if (wants_grad({cos, sin})) {
    throw_error(ErrorCode::argument, "[rope] the tables carry no gradient");
  }
  const auto sizes = std::span(x.shape().begin(), static_cast<size_t>(x.rank() - 1));
  Shape expected(sizes);
  expected[-1] = x.size(-1) / 2;
  check_shape("rope", "cos", cos, expected);
  check_shape("rope", "sin", sin, expected);
}

Tensor rotated(const Tensor& x_in, const Tensor& cos, const Tensor& sin, float sign) {
  const Tensor x = with_unit_rows(x_in);
  Tensor y = empty(x.shape(), {x.dtype(), x.device()});
  if (y.numel() == 0) return y;
  RopeArgs args{x.data(),
                y.data(),
                static_cast<const float*>(cos.data()),
                static_cast<const float*>(sin.data()),
                x.dtype(),
                {},
                x.size(-2),
                x.strides()[-2],
                x.size(-1) / 2,
                sign};
  for (int i = 0; i < x.rank() - 2; ++i) {
    args.tokens.push(x.size(i), {x.strides()[i], cos.strides()[i], sin.strides()[i]});
  }
  run(kRope, y.device(), args);
  return y;
}

}  // namespace

Tensor rope(const Tensor& x, const Tensor& cos_in, const Tensor& sin_in) {
  check_tables(x, cos_in, sin_in);
  const Tensor cos = with_unit_rows(cos_in), sin = with_unit_rows(sin_in);
  Tensor y = rotated(x, cos, sin, 1);
  if (!wants_grad({x})) return y;
  record(y, "rope", {x},
         [cos, sin](const Tensor& g) { return std::vector{rotated(g, cos, sin, -1)}; });
  return y;
}

RopeTables rope_tables(const Tensor& positions_in, const Tensor& frequency_in, float magnitude) {
  check_defined("rope_tables", "positions", positions_in);
  check_defined("rope_tables", "inverse_frequency", frequency_in);
  check_same_device("rope_tables", {positions_in, frequency_in});
  if (positions_in.dtype() != i32 || frequency_in.dtype() != f32) {
    throw_error(ErrorCode::dtype,
                "[rope_tables] positions of {} and frequencies of {}; i32 and "
                "f32 are needed",
                to_string(positions_in.dtype()), to_string(frequency_in.dtype()));
  }
  if (frequency_in.rank() != 1 || positions_in.rank() == kMaxRank) {
    throw_error(ErrorCode::shape, "[rope_tables] positions {} and frequencies {}, expected [d/2]",
                positions_in.shape().to_string(), frequency_in.shape().to_string());
  }
  const Tensor positions = contiguous(positions_in), frequency = contiguous(frequency_in);
  std::array<int64_t, kMaxRank> sizes{};
  std::copy(positions.shape().begin(), positions.shape().end(), sizes.begin());
  sizes[static_cast<size_t>(positions.rank())] = frequency.size(0);
  const Shape shape(std::span(sizes.data(), static_cast<size_t>(positions.rank() + 1)));
  RopeTables tables{empty(shape, {f32, positions.device()}),
                    empty(shape, {f32, positions.device()})};
  if (shape.numel() > 0) {
    run(kTables, positions.device(),
        {static_cast<const int32_t*>(positions.data()), static_cast<const float*>(frequency.data()),
         static_cast<float*>(tables.cos.data()), static_cast<float*>(tables.sin.data()),
         positions.numel(), frequency.size(0), magnitude});
  }
  return tables;
}

}  // namespace pewter

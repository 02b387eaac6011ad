// Blocks against the values that the `gguf` package gives (data/golden/gguf), to the bit.
#include "io/gguf.h"
#include "io/safetensors.h"
#include "support/device_test.h"
#include "support/products.h"

namespace pewter::test {
namespace {

Tensor uploaded(const io::HostTensor& t, Device device) {
  return from_bytes(t.data, Shape{std::span<const int64_t>(t.shape)}, {t.dtype, device});
}

struct Golden {
  std::string folder = std::string(PEWTER_DATA_DIR) + "/golden/gguf/";
  io::GgufFile blocks = io::GgufFile::open(folder + "quants.gguf");
  io::Safetensors values = io::read_safetensors(folder + "quants.safetensors");
};

DEVICE_TEST(Dequantise, MatchesGoldenValues) {
  const Golden golden;
  for (const io::HostTensor& t : golden.blocks.tensors()) {
    SCOPED_TRACE(t.name);
    covers(t.dtype);
    const auto expected = uploaded(golden.values.tensors.at(t.name), "cpu").to_vector<float>();
    const auto actual = cast(uploaded(t, device), f32).to_vector<float>();
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      // The package rounds d * q and then the sum; pewter rounds fma(d, q, offset) once. Offsets
      // are below 63 / 4 here, so |d q| <= |value| + 16.
      const double size = std::abs(double{expected[i]}) + std::abs(double{actual[i]});
      ASSERT_NEAR(actual[i], expected[i], 0x1p-24 * (size + 32)) << i;
    }
  }
}

// A product with the unit matrix reads every weight through the kernels' own layouts.
DEVICE_TEST(Dequantise, ProductsReadTheSameValues) {
  const Golden golden;
  for (DType dtype : kQuantised) {
    SCOPED_TRACE(std::string(to_string(dtype)));
    const Tensor w = uploaded(*golden.blocks.find_tensor(to_string(dtype)), device);
    const int64_t k = w.size(1);
    std::vector<float> unit(static_cast<size_t>(k * k));
    for (int64_t i = 0; i < k; ++i) unit[static_cast<size_t>(i * k + i)] = 1;
    const Tensor one = from_values(unit, {k, k}, {f32, device});
    const Tensor columns = linear(one, w), row = linear(one.slice(0, 5, 6), w);
    const Tensor expected = cast(w, f32).transpose(0, 1);
    expect_same_bits(columns, expected);
    expect_same_bits(row, expected.slice(0, 5, 6));
  }
}

}  // namespace
}  // namespace pewter::test

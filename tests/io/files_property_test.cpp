// What is written is what is read, whatever the names, shapes and bytes.
#include <set>

#include "io/npy.h"
#include "io/safetensors.h"
#include "io/support.h"
#include "support/property.h"

namespace pewter::io {
namespace {

using test::any_bytes;
using test::any_of;
using test::any_sizes;

// Names that JSON must escape, and some that look like something else.
std::string any_name() {
  static const std::vector<std::string> parts = {
      "a", "weight", ".", "0", "\"", "\\", "/", "\n", " ", "é", "層", "😀", "", "\x01", "\x7f"};
  std::string name;
  for (int64_t n = any_of(1, 4); n > 0; --n) name += *rc::gen::elementOf(parts);
  return name;
}

HostTensor any_tensor(const std::string& name) {
  const DType dtype = *rc::gen::element(DType::f32, DType::f16, DType::bf16, DType::i32, DType::u8);
  std::byte* data = nullptr;
  HostTensor t = make_host_tensor(name, dtype, any_sizes(4, 5), &data);
  std::ranges::copy(any_bytes(static_cast<int64_t>(t.data.size())), data);
  return t;
}

bool same(const HostTensor& a, const HostTensor& b) {
  return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape &&
         std::ranges::equal(a.data, b.data);
}

TEST(Safetensors, AnythingWrittenIsReadBack) {
  const TempFolder temp;
  EXPECT_PROPERTY("tensors and metadata come back as they were", [&] {
    std::map<std::string, HostTensor> tensors;
    std::map<std::string, std::string, std::less<>> metadata;
    for (int64_t n = any_of(0, 5); n > 0; --n) {
      const std::string name = any_name();
      tensors[name] = any_tensor(name);
      metadata[any_name()] = any_name();
    }
    std::vector<HostTensor> list;
    for (const auto& [name, tensor] : tensors) list.push_back(tensor);
    write_safetensors(temp / "t.safetensors", list, metadata);
    const Safetensors read = read_safetensors(temp / "t.safetensors");
    RC_ASSERT(read.metadata == metadata);
    RC_ASSERT(read.tensors.size() == tensors.size());
    for (const auto& [name, tensor] : read.tensors) RC_ASSERT(same(tensor, tensors.at(name)));
  });
}

TEST(Npy, AnythingWrittenIsReadBack) {
  const TempFolder temp;
  EXPECT_PROPERTY("an array comes back as it was", [&] {
    const auto [type, size] =
        *rc::gen::element(std::pair(NpyType::f2, 2), std::pair(NpyType::f4, 4),
                          std::pair(NpyType::i4, 4), std::pair(NpyType::i8, 8));
    const std::vector<int64_t> shape = any_sizes(5, 6);
    int64_t count = 1;
    for (int64_t d : shape) count *= d;
    const std::vector<std::byte> bytes = any_bytes(count * size);
    write_npy(temp / "a.npy", type, shape, bytes);
    const NpyArray read = read_npy(temp / "a.npy");
    RC_ASSERT(read.type == type);
    RC_ASSERT(read.shape == shape);
    RC_ASSERT(std::ranges::equal(read.data, bytes));
  });
}

}  // namespace
}  // namespace pewter::io

// The container's layout is described in air/metallib.h.
#include "pack.h"

#include <cstdint>

namespace metal_sim::msl {
namespace {

template <typename T>
void append(std::string& out, T value) {
  for (size_t i = 0; i < sizeof value; ++i) out += char(uint64_t(value) >> (8 * i));
}

void append_tag(std::string& out, const char* tag, const std::string& data) {
  out.append(tag, 4);
  append(out, uint16_t(data.size()));
  out += data;
}

std::string entry(const KernelCode& kernel, uint64_t offset) {
  std::string size, offsets, tags;
  append(size, uint64_t(kernel.bitcode.size()));
  append(offsets, uint64_t(0));
  append(offsets, uint64_t(0));
  append(offsets, offset);
  append_tag(tags, "NAME", kernel.name + '\0');
  append_tag(tags, "TYPE", "\2");
  append_tag(tags, "OFFT", offsets);
  append_tag(tags, "MDSZ", size);
  tags += "ENDT";
  std::string result;
  append(result, uint32_t(tags.size() + 4));
  return result + tags;
}

}  // namespace

std::string pack_metallib(const std::vector<KernelCode>& kernels) {
  std::string list, code;
  append(list, uint32_t(kernels.size()));
  for (const KernelCode& kernel : kernels) {
    list += entry(kernel, code.size());
    code += kernel.bitcode;
  }
  constexpr uint64_t kHead = 16 + 8 + 4 * 16;
  const uint64_t sections[] = {list.size(), 0, 0, code.size()};
  std::string head = "MTLB";
  head.resize(16);
  append(head, kHead + list.size() + code.size());
  uint64_t at = kHead;
  for (const uint64_t size : sections) {
    append(head, at);
    append(head, size);
    at += size;
  }
  return head + list + code;
}

}  // namespace metal_sim::msl

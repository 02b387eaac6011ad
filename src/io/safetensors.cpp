// The reference implementation refuses holes as well as overlaps (a file must not hide bytes), so
// once sorted by offset each tensor must begin where the one before it ends.
#include "io/safetensors.h"

#include <algorithm>
#include <array>
#include <limits>

#include "io/atomic_file.h"
#include "io/byte_reader.h"
#include "io/json_file.h"
#include "pewter/error.h"

namespace pewter::io {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit
constexpr size_t kHeaderDepth = 4;
constexpr size_t kHeaderAlignment = 8;

struct TypeName {
  std::string_view name;
  DType dtype;
};
constexpr std::array kTypes = std::to_array<TypeName>({{"F32", DType::f32},
                                                       {"F16", DType::f16},
                                                       {"BF16", DType::bf16},
                                                       {"I32", DType::i32},
                                                       {"U8", DType::u8}});

struct Extent {
  int64_t begin;
  int64_t end;
  HostTensor* tensor;
};

std::vector<int64_t> read_shape(const JsonView& entry, uint64_t* values) {
  std::vector<int64_t> shape;
  const JsonView field = entry.at("shape");
  *values = 1;
  for (const JsonView& extent : field.elements()) {
    shape.push_back(extent.integer(0));
    if (!checked_multiply(*values, static_cast<uint64_t>(shape.back()), values) ||
        *values > uint64_t{std::numeric_limits<int64_t>::max()} / 8)
      field.fail("too large");
  }
  return shape;
}

Extent read_entry(const JsonView& entry, int64_t data_bytes, HostTensor* tensor) {
  const JsonView type = entry.at("dtype");
  const auto known = std::ranges::find(kTypes, type.string(), &TypeName::name);
  if (known == kTypes.end()) type.fail("a dtype that is not read");
  tensor->dtype = known->dtype;
  uint64_t values = 0;
  tensor->shape = read_shape(entry, &values);
  const JsonView offsets = entry.at("data_offsets");
  const auto pair = offsets.elements();
  if (pair.size() != 2) offsets.fail("expected two offsets");
  const int64_t begin = pair[0].integer(0, data_bytes);
  const int64_t end = pair[1].integer(begin, data_bytes);
  if (end - begin != byte_size(tensor->dtype, static_cast<int64_t>(values)))
    offsets.fail(fmt::format("but {} of shape {} takes {} bytes", type.string(),
                             shape_string(tensor->shape),
                             byte_size(tensor->dtype, static_cast<int64_t>(values))));
  return {begin, end, tensor};
}

void place(const FileBytes& file, std::span<const std::byte> data, const Extent& extent) {
  HostTensor& tensor = *extent.tensor;
  const auto bytes = data.subspan(static_cast<size_t>(extent.begin),
                                  static_cast<size_t>(extent.end - extent.begin));
  const auto alignment = static_cast<size_t>(info(tensor.dtype).block_bytes);
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignment == 0) {
    tensor.data = bytes;
    tensor.keep_alive = file.keep_alive;
    return;
  }
  std::byte* copy = nullptr;
  tensor = make_host_tensor(tensor.name, tensor.dtype, tensor.shape, &copy);
  std::ranges::copy(bytes, copy);
}

void place_all(const FileBytes& file, std::span<const std::byte> data,
               std::vector<Extent> extents) {
  std::ranges::sort(extents, [](const Extent& a, const Extent& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  int64_t at = 0;
  for (const Extent& extent : extents) {
    if (extent.begin != at)
      throw_error(ErrorCode::format, "[safetensors] {}: tensor '{}' begins at {}, {} {}", file.name,
                  extent.tensor->name, extent.begin,
                  extent.begin < at ? "inside another that ends at" : "leaving a hole after", at);
    at = extent.end;
    place(file, data, extent);
  }
  if (static_cast<size_t>(at) != data.size())
    throw_error(ErrorCode::format, "[safetensors] {}: {} bytes of data, tensors cover {}",
                file.name, data.size(), at);
}

}  // namespace

Safetensors parse_safetensors(FileBytes file) {
  ByteReader reader("safetensors", file.name, file.data);
  const auto header_bytes = reader.read<uint64_t>("header size");
  if (header_bytes > kMaxHeaderBytes)
    throw_error(ErrorCode::format, "[safetensors] {}: header of {} bytes", file.name, header_bytes);
  const std::string_view text = reader.take_text(header_bytes, "header");
  const auto data = reader.take(reader.remaining(), "data");
  const Json json = parse_json(file.name, text, {.max_depth = kHeaderDepth});
  const JsonView header(file.name, json);
  Safetensors out;
  std::vector<Extent> extents;
  for (const auto& [name, entry] : header.members()) {
    if (name == "__metadata__") {
      for (const auto& [key, value] : entry.members()) out.metadata[key] = value.string();
      continue;
    }
    HostTensor& tensor = out.tensors[name];
    tensor.name = name;
    extents.push_back(read_entry(entry, static_cast<int64_t>(data.size()), &tensor));
  }
  place_all(file, data, std::move(extents));
  return out;
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(map_file(path));
}

Safetensors read_safetensors_folder(const std::filesystem::path& folder) {
  const auto index_path = folder / "model.safetensors.index.json";
  std::error_code ignored;
  if (!std::filesystem::exists(index_path, ignored))
    return read_safetensors(folder / "model.safetensors");
  const FileBytes file = map_file(index_path);
  const Json json = parse_json(file.name, file.text());
  std::map<std::string, Safetensors> shards;
  Safetensors out;
  for (const auto& [name, shard] : JsonView(file.name, json).at("weight_map").members()) {
    const std::string shard_name(shard.string());
    // A name, not a path: an index must not reach outside its folder.
    if (shard_name.empty() ||
        shard_name.find_first_of(std::string_view("/\\\0", 3)) != shard_name.npos ||
        shard_name == "." || shard_name == "..")
      shard.fail("not the name of a file in the folder");
    if (!shards.contains(shard_name))
      shards.emplace(shard_name, read_safetensors(folder / shard_name));
    const auto& tensors = shards.at(shard_name).tensors;
    const auto found = tensors.find(name);
    if (found == tensors.end()) shard.fail("which has no such tensor");
    out.tensors.emplace(name, found->second);
  }
  return out;
}

namespace {

std::string make_header(std::span<const HostTensor* const> order,
                        const std::map<std::string, std::string, std::less<>>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  int64_t at = 0;
  for (const HostTensor* tensor : order) {
    const auto type = std::ranges::find(kTypes, tensor->dtype, &TypeName::dtype);
    if (type == kTypes.end())
      throw_error(ErrorCode::argument, "[safetensors] tensor '{}' is {}, which is not written",
                  tensor->name, to_string(tensor->dtype));
    const int64_t bytes = byte_size(tensor->dtype, tensor->values());
    if (static_cast<size_t>(bytes) != tensor->data.size())
      throw_error(ErrorCode::argument, "[safetensors] tensor '{}' of shape {} has {} bytes",
                  tensor->name, shape_string(tensor->shape), tensor->data.size());
    if (header.contains(tensor->name) || tensor->name == "__metadata__")
      throw_error(ErrorCode::argument, "[safetensors] two tensors are named '{}'", tensor->name);
    header[tensor->name] = {
        {"dtype", type->name}, {"shape", tensor->shape}, {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  std::string text = to_json_text(header);
  text.resize((text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  return text;
}

}  // namespace

void write_safetensors(AtomicFile* file, std::span<const HostTensor> tensors,
                       const std::map<std::string, std::string, std::less<>>& metadata) {
  std::vector<const HostTensor*> order;
  for (const HostTensor& tensor : tensors) order.push_back(&tensor);
  std::ranges::sort(order, [](const HostTensor* a, const HostTensor* b) {
    const int32_t size_a = info(a->dtype).block_bytes, size_b = info(b->dtype).block_bytes;
    return size_a != size_b ? size_a > size_b : a->name < b->name;
  });
  const std::string header = make_header(order, metadata);
  const uint64_t header_bytes = header.size();
  file->write(std::as_bytes(std::span(&header_bytes, 1)));
  file->write(header);
  for (const HostTensor* tensor : order) file->write(tensor->data);
}

void write_safetensors(const std::filesystem::path& path, std::span<const HostTensor> tensors,
                       const std::map<std::string, std::string, std::less<>>& metadata) {
  AtomicFile file(path);
  write_safetensors(&file, tensors, metadata);
  file.commit();
}

}  // namespace pewter::io

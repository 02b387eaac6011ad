// The parser walks the file once, front to back, through ByteReader; tensors are looked at only
// after all of them are known, because overlaps can be found in no other way.
#include "io/gguf.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "io/byte_reader.h"
#include "pewter/error.h"

namespace pewter::io {
namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kMaxAlignment = 1 << 16;
constexpr size_t kMaxDimensions = 4;
constexpr uint64_t kMaxNameBytes = 64 * 1024;

struct TypeName {
  uint32_t number;
  std::string_view name;
};

// ggml_type numbers, for the messages that refuse them.
constexpr TypeName kGgmlTypes[] = {
    {9, "Q8_1"},     {10, "Q2_K"},  {11, "Q3_K"},   {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"},
    {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"},   {23, "IQ4_XS"},
    {24, "I8"},      {25, "I16"},   {26, "I32"},    {27, "I64"},   {28, "F64"},     {29, "IQ1_M"},
    {34, "TQ1_0"},   {35, "TQ2_0"}, {39, "MXFP4"},
};

std::optional<DType> dtype_of(uint32_t ggml_type) {
  switch (ggml_type) {
    case 0:
      return DType::f32;
    case 1:
      return DType::f16;
    case 2:
      return DType::q4_0;
    case 3:
      return DType::q4_1;
    case 6:
      return DType::q5_0;
    case 7:
      return DType::q5_1;
    case 8:
      return DType::q8_0;
    case 12:
      return DType::q4_k;
    case 13:
      return DType::q5_k;
    case 14:
      return DType::q6_k;
    case 30:
      return DType::bf16;
    default:
      return std::nullopt;
  }
}

std::string ggml_type_name(uint32_t ggml_type) {
  for (const TypeName& type : kGgmlTypes)
    if (type.number == ggml_type) return std::string(type.name);
  return fmt::format("number {}", ggml_type);
}

uint64_t scalar_bytes(GgufType type) {
  switch (type) {
    case GgufType::u8:
    case GgufType::i8:
    case GgufType::boolean:
      return 1;
    case GgufType::u16:
    case GgufType::i16:
      return 2;
    case GgufType::u32:
    case GgufType::i32:
    case GgufType::f32:
      return 4;
    case GgufType::u64:
    case GgufType::i64:
    case GgufType::f64:
      return 8;
    default:
      return 0;
  }
}

}  // namespace

// What the tensor table says, before it is checked against the data section.
struct TensorEntry {
  uint64_t offset;
  uint64_t bytes;
  size_t index;
};

class GgufParser {
 public:
  explicit GgufParser(GgufFile* out)
      : out_(*out), reader_("gguf", out->file_.name, out->file_.data) {}

  void run() {
    read_header();
    for (uint64_t i = 0; i < metadata_count_; ++i) read_pair(i);
    for (uint64_t i = 0; i < tensor_count_; ++i) read_tensor_entry(i);
    place_tensors();
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw_error(ErrorCode::format, "[gguf] {}: {}", out_.file_.name,
                fmt::format(format, std::forward<Args>(args)...));
  }

  void read_header() {
    const auto magic = reader_.read<uint32_t>("magic");
    if (magic != kMagic) fail("not a GGUF file: magic is {:#010x}", magic);
    out_.version_ = reader_.read<uint32_t>("version");
    if (out_.version_ == 0x02000000 || out_.version_ == 0x03000000)
      fail("big-endian file (version {:#010x}); only little-endian is read", out_.version_);
    if (out_.version_ != 2 && out_.version_ != 3)
      fail("version {} is not read; 2 and 3 are", out_.version_);
    tensor_count_ = reader_.read<uint64_t>("tensor count");
    metadata_count_ = reader_.read<uint64_t>("metadata count");
    // The least an entry can take: name length, type, value / name length, rank, type, offset.
    if (metadata_count_ > reader_.remaining() / 13)
      fail("metadata count {} does not fit in {} bytes", metadata_count_, reader_.remaining());
    if (tensor_count_ > reader_.remaining() / 24)
      fail("tensor count {} does not fit in {} bytes", tensor_count_, reader_.remaining());
  }

  std::string_view read_string(std::string_view field) {
    return reader_.take_text(reader_.read<uint64_t>(field), field);
  }

  std::string read_name(std::string_view field) {
    const std::string_view text = read_string(field);
    if (text.empty() || text.size() > kMaxNameBytes) fail("{} of {} bytes", field, text.size());
    return std::string(text);
  }

  void read_pair(uint64_t index) {
    std::string key = read_name("metadata key");
    const auto type = reader_.read<uint32_t>(key);
    if (type > 12) fail("'{}' has unknown value type {} (entry {})", key, type, index);
    GgufValue value = read_value(static_cast<GgufType>(type), key);
    if (!out_.metadata_.emplace(key, std::move(value)).second) fail("key '{}' occurs twice", key);
  }

  GgufValue read_value(GgufType type, std::string_view key) {
    switch (type) {
      case GgufType::u8:
        return uint64_t{reader_.read<uint8_t>(key)};
      case GgufType::i8:
        return int64_t{reader_.read<int8_t>(key)};
      case GgufType::u16:
        return uint64_t{reader_.read<uint16_t>(key)};
      case GgufType::i16:
        return int64_t{reader_.read<int16_t>(key)};
      case GgufType::u32:
        return uint64_t{reader_.read<uint32_t>(key)};
      case GgufType::i32:
        return int64_t{reader_.read<int32_t>(key)};
      case GgufType::u64:
        return reader_.read<uint64_t>(key);
      case GgufType::i64:
        return reader_.read<int64_t>(key);
      case GgufType::f32:
        return double{reader_.read<float>(key)};
      case GgufType::f64:
        return reader_.read<double>(key);
      case GgufType::boolean:
        return read_bool(key);
      case GgufType::string:
        return read_string(key);
      case GgufType::array:
        return read_array(key);
    }
    fail("'{}' has unknown value type {}", key, static_cast<uint32_t>(type));
  }

  bool read_bool(std::string_view key) {
    const auto value = reader_.read<uint8_t>(key);
    if (value > 1) fail("'{}' is a bool with value {}", key, value);
    return value == 1;
  }

  GgufArray read_array(std::string_view key) {
    const auto type = reader_.read<uint32_t>(key);
    if (type == 9) fail("'{}' is an array of arrays, which is not read", key);
    if (type > 12) fail("'{}' is an array of unknown type {}", key, type);
    GgufArray array{static_cast<GgufType>(type), reader_.read<uint64_t>(key), {}, {}};
    const uint64_t least = array.element == GgufType::string ? 8 : scalar_bytes(array.element);
    if (array.count > reader_.remaining() / least)
      fail("'{}' has {} elements, which do not fit in the {} bytes left", key, array.count,
           reader_.remaining());
    if (array.element == GgufType::string) {
      array.strings.reserve(static_cast<size_t>(array.count));
      for (uint64_t i = 0; i < array.count; ++i) array.strings.push_back(read_string(key));
    } else {
      array.numbers = reader_.take(array.count * least, key);
    }
    return array;
  }

  void read_tensor_entry(uint64_t index) {
    HostTensor tensor;
    tensor.name = read_name("tensor name");
    const auto rank = reader_.read<uint32_t>("tensor rank");
    if (rank < 1 || rank > kMaxDimensions) fail("tensor '{}' has rank {}", tensor.name, rank);
    uint64_t values = 1;
    for (uint32_t d = 0; d < rank; ++d) {
      const auto extent = reader_.read<uint64_t>("tensor dimension");
      if (extent == 0 || !checked_multiply(values, extent, &values) ||
          values > uint64_t{std::numeric_limits<int64_t>::max()})
        fail("tensor '{}' has dimension {} of {}", tensor.name, d, extent);
      tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(extent));
    }
    const auto type = reader_.read<uint32_t>("tensor type");
    const auto dtype = dtype_of(type);
    if (!dtype)
      fail("tensor '{}' has type {}, which is not read", tensor.name, ggml_type_name(type));
    tensor.dtype = *dtype;
    const auto offset = reader_.read<uint64_t>("tensor offset");
    entries_.push_back({offset, tensor_bytes(tensor, values), static_cast<size_t>(index)});
    if (!out_.tensor_index_.emplace(tensor.name, static_cast<size_t>(index)).second)
      fail("tensor '{}' occurs twice", tensor.name);
    out_.tensors_.push_back(std::move(tensor));
  }

  uint64_t tensor_bytes(const HostTensor& tensor, uint64_t values) const {
    const DTypeInfo& type = info(tensor.dtype);
    if (tensor.shape.back() % type.block_values != 0)
      fail("tensor '{}' is {} with rows of {} values, not whole blocks of {}", tensor.name,
           type.name, tensor.shape.back(), type.block_values);
    const uint64_t blocks = values / static_cast<uint64_t>(type.block_values);
    uint64_t bytes = 0;
    if (!checked_multiply(blocks, static_cast<uint64_t>(type.block_bytes), &bytes))
      fail("tensor '{}' has shape {}, too large", tensor.name, shape_string(tensor.shape));
    return bytes;
  }

  uint64_t alignment() const {
    const auto value = out_.find_integer("general.alignment");
    if (!value) return kDefaultAlignment;
    const auto a = static_cast<uint64_t>(*value);
    if (*value < 8 || a > kMaxAlignment || (a & (a - 1)) != 0)
      fail("general.alignment is {}, not a power of two from 8 to {}", *value, kMaxAlignment);
    return a;
  }

  void place_tensors() {
    const uint64_t align = alignment();
    const uint64_t size = out_.file_.data.size();
    const uint64_t start = (reader_.position() + align - 1) / align * align;
    for (const TensorEntry& entry : entries_) {
      HostTensor& tensor = out_.tensors_[entry.index];
      if (entry.offset % align != 0)
        fail("tensor '{}' lies at offset {}, not a multiple of {}", tensor.name, entry.offset,
             align);
      if (start > size || entry.offset > size - start || entry.bytes > size - start - entry.offset)
        fail("tensor '{}' ({} bytes at offset {}) does not fit in the file's {} bytes of data",
             tensor.name, entry.bytes, entry.offset, start > size ? 0 : size - start);
      tensor.data = out_.file_.data.subspan(static_cast<size_t>(start + entry.offset),
                                            static_cast<size_t>(entry.bytes));
      tensor.keep_alive = out_.file_.keep_alive;
    }
    check_overlaps();
  }

  void check_overlaps() {
    std::ranges::sort(entries_, {}, &TensorEntry::offset);
    for (size_t i = 1; i < entries_.size(); ++i) {
      const TensorEntry& before = entries_[i - 1];
      if (before.offset + before.bytes > entries_[i].offset)
        fail("tensors '{}' and '{}' overlap at offset {}", out_.tensors_[before.index].name,
             out_.tensors_[entries_[i].index].name, entries_[i].offset);
    }
  }

  GgufFile& out_;
  ByteReader reader_;
  uint64_t tensor_count_ = 0;
  uint64_t metadata_count_ = 0;
  std::vector<TensorEntry> entries_;
};

GgufFile GgufFile::parse(FileBytes file) {
  GgufFile out;
  out.file_ = std::move(file);
  GgufParser(&out).run();
  return out;
}

const HostTensor* GgufFile::find_tensor(std::string_view tensor_name) const {
  const auto found = tensor_index_.find(tensor_name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

void GgufFile::fail_type(std::string_view key, std::string_view expected) const {
  throw_error(ErrorCode::format, "[gguf] {}: '{}' is not {}", file_.name, key, expected);
}

void GgufFile::fail_missing(std::string_view key) const {
  throw_error(ErrorCode::format, "[gguf] {}: metadata has no '{}'", file_.name, key);
}

std::optional<int64_t> GgufFile::find_integer(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return std::nullopt;
  if (const auto* i = std::get_if<int64_t>(&found->second)) return *i;
  const auto* u = std::get_if<uint64_t>(&found->second);
  if (!u) fail_type(key, "an integer");
  if (*u > uint64_t{std::numeric_limits<int64_t>::max()}) fail_type(key, "an integer below 2^63");
  return static_cast<int64_t>(*u);
}

std::optional<double> GgufFile::find_number(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return std::nullopt;
  if (const auto* d = std::get_if<double>(&found->second)) {
    if (!std::isfinite(*d)) fail_type(key, "a finite number");
    return *d;
  }
  return static_cast<double>(*find_integer(key));
}

std::optional<bool> GgufFile::find_bool(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return std::nullopt;
  const auto* b = std::get_if<bool>(&found->second);
  if (!b) fail_type(key, "a bool");
  return *b;
}

std::optional<std::string_view> GgufFile::find_string(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return std::nullopt;
  const auto* s = std::get_if<std::string_view>(&found->second);
  if (!s) fail_type(key, "a string");
  return *s;
}

const std::vector<std::string_view>* GgufFile::find_strings(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return nullptr;
  const auto* array = std::get_if<GgufArray>(&found->second);
  if (!array || array->element != GgufType::string) fail_type(key, "an array of strings");
  return &array->strings;
}

namespace {

template <typename T>
std::vector<int64_t> widen(const GgufArray& array) {
  std::vector<int64_t> out(static_cast<size_t>(array.count));
  for (size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, array.numbers.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<int64_t>(value);
  }
  return out;
}

}  // namespace

std::optional<std::vector<int64_t>> GgufFile::find_integers(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return std::nullopt;
  const auto* array = std::get_if<GgufArray>(&found->second);
  if (!array) fail_type(key, "an array of integers");
  switch (array->element) {
    case GgufType::u8:
      return widen<uint8_t>(*array);
    case GgufType::i8:
      return widen<int8_t>(*array);
    case GgufType::u16:
      return widen<uint16_t>(*array);
    case GgufType::i16:
      return widen<int16_t>(*array);
    case GgufType::u32:
      return widen<uint32_t>(*array);
    case GgufType::i32:
      return widen<int32_t>(*array);
    case GgufType::i64:
      return widen<int64_t>(*array);
    default:
      fail_type(key, "an array of integers");
  }
}

int64_t GgufFile::integer(std::string_view key) const {
  if (!has(key)) fail_missing(key);
  return *find_integer(key);
}

double GgufFile::number(std::string_view key) const {
  if (!has(key)) fail_missing(key);
  return *find_number(key);
}

std::string_view GgufFile::string(std::string_view key) const {
  if (!has(key)) fail_missing(key);
  return *find_string(key);
}

const std::vector<std::string_view>& GgufFile::strings(std::string_view key) const {
  if (!has(key)) fail_missing(key);
  return *find_strings(key);
}

}  // namespace pewter::io

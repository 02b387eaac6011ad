// The header is a Python dictionary written as text. Three keys are known and must be there; the
// scanner takes no other Python.
#include "io/npy.h"

#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>

#include "io/atomic_file.h"
#include "io/byte_reader.h"
#include "io/host_tensor.h"
#include "pewter/dtype.h"
#include "pewter/error.h"

namespace pewter::io {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxHeaderBytes = 64 * 1024;
constexpr size_t kMaxRank = 32;  // NumPy's own limit was 32 for most of its life
constexpr size_t kHeaderAlignment = 64;

struct TypeName {
  std::string_view descr;
  NpyType type;
  size_t bytes;
};
constexpr std::array kTypes = std::to_array<TypeName>({{"<f2", NpyType::f2, 2},
                                                       {"<f4", NpyType::f4, 4},
                                                       {"<i4", NpyType::i4, 4},
                                                       {"<i8", NpyType::i8, 8}});

const TypeName& type_info(NpyType type) { return kTypes[static_cast<size_t>(type)]; }

struct Header {
  std::optional<NpyType> type;
  std::optional<bool> fortran_order;
  std::optional<std::vector<int64_t>> shape;
};

class HeaderScanner {
 public:
  HeaderScanner(std::string_view file, std::string_view text) : file_(file), text_(text) {}

  Header run() {
    Header header;
    expect('{');
    while (!skip('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !header.type) {
        header.type = type(quoted());
      } else if (key == "fortran_order" && !header.fortran_order) {
        header.fortran_order = boolean();
      } else if (key == "shape" && !header.shape) {
        header.shape = shape();
      } else {
        fail(fmt::format("key '{}'", key.substr(0, 40)));
      }
      if (!skip(',')) {
        expect('}');
        break;
      }
    }
    space();
    if (at_ != text_.size()) fail("text after the dictionary");
    return header;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw_error(ErrorCode::format, "[npy] {}: header: {} at {}", file_, what, at_);
  }
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool skip(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!skip(c)) fail(fmt::format("expected '{}'", c));
  }
  std::string_view quoted() {
    space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    const size_t end = quote == '\'' || quote == '"' ? text_.find(quote, at_ + 1) : text_.npos;
    if (end == text_.npos) fail("expected a string");
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return inside;
  }
  NpyType type(std::string_view descr) const {
    for (const TypeName& known : kTypes)
      if (known.descr == descr) return known.type;
    fail(fmt::format("descr '{}' is not read", descr.substr(0, 40)));
  }
  bool boolean() {
    space();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    fail("expected True or False");
  }
  std::vector<int64_t> shape() {
    std::vector<int64_t> out;
    expect('(');
    while (!skip(')')) {
      if (out.size() == kMaxRank) fail("too many dimensions");
      out.push_back(integer());
      if (!skip(',')) {
        expect(')');
        break;
      }
    }
    return out;
  }
  int64_t integer() {
    space();
    int64_t value = 0;
    size_t digits = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, ++digits)
      if (digits < 18) value = value * 10 + (text_[at_] - '0');
    if (digits == 0 || digits > 18) fail("expected a size");
    return value;
  }

  std::string_view file_;
  std::string_view text_;
  size_t at_ = 0;
};

uint64_t checked_bytes(std::string_view file, std::span<const int64_t> shape, size_t element) {
  uint64_t bytes = element;
  for (int64_t extent : shape)
    if (!checked_multiply(bytes, static_cast<uint64_t>(extent), &bytes) ||
        bytes > uint64_t{std::numeric_limits<int64_t>::max()})
      throw_error(ErrorCode::format, "[npy] {}: shape {} is too large", file, shape_string(shape));
  return bytes;
}

template <typename From, typename To>
std::vector<To> widen(const NpyArray& array) {
  std::vector<To> out(static_cast<size_t>(array.values()));
  for (size_t i = 0; i < out.size(); ++i) {
    From value;
    std::memcpy(&value, array.data.data() + i * sizeof value, sizeof value);
    if constexpr (std::is_same_v<From, Half>) {
      out[i] = to_float(value);
    } else {
      out[i] = static_cast<To>(value);
    }
  }
  return out;
}

}  // namespace

int64_t NpyArray::values() const {
  return static_cast<int64_t>(data.size() / type_info(type).bytes);
}

std::vector<float> NpyArray::to_f32() const {
  if (type == NpyType::f4) return widen<float, float>(*this);
  if (type == NpyType::f2) return widen<Half, float>(*this);
  throw_error(ErrorCode::dtype, "[npy] array is {}, not floating-point", type_info(type).descr);
}

std::vector<int64_t> NpyArray::to_i64() const {
  if (type == NpyType::i4) return widen<int32_t, int64_t>(*this);
  if (type == NpyType::i8) return widen<int64_t, int64_t>(*this);
  throw_error(ErrorCode::dtype, "[npy] array is {}, not integers", type_info(type).descr);
}

NpyArray parse_npy(FileBytes file) {
  ByteReader reader("npy", file.name, file.data);
  if (reader.take_text(kMagic.size(), "magic") != kMagic)
    throw_error(ErrorCode::format, "[npy] {}: not a .npy file", file.name);
  const auto major = reader.read<uint8_t>("version");
  const auto minor = reader.read<uint8_t>("version");
  if ((major != 1 && major != 2) || minor != 0)
    throw_error(ErrorCode::format, "[npy] {}: version {}.{} is not read", file.name, major, minor);
  const uint64_t header_bytes =
      major == 1 ? reader.read<uint16_t>("header size") : reader.read<uint32_t>("header size");
  if (header_bytes > kMaxHeaderBytes)
    throw_error(ErrorCode::format, "[npy] {}: header of {} bytes", file.name, header_bytes);
  const Header header = HeaderScanner(file.name, reader.take_text(header_bytes, "header")).run();
  if (!header.type || !header.fortran_order || !header.shape)
    throw_error(ErrorCode::format, "[npy] {}: header lacks {}", file.name,
                !header.type    ? "descr"
                : !header.shape ? "shape"
                                : "fortran_order");
  if (*header.fortran_order && header.shape->size() > 1)
    throw_error(ErrorCode::format, "[npy] {}: Fortran order is not read", file.name);
  const uint64_t bytes = checked_bytes(file.name, *header.shape, type_info(*header.type).bytes);
  NpyArray array{*header.type, *header.shape, reader.take(bytes, "data"), file.keep_alive};
  if (reader.remaining() != 0)
    throw_error(ErrorCode::format, "[npy] {}: {} bytes after the data", file.name,
                reader.remaining());
  return array;
}

NpyArray read_npy(const std::filesystem::path& path) { return parse_npy(map_file(path)); }

void write_npy(const std::filesystem::path& path, NpyType type, std::span<const int64_t> shape,
               std::span<const std::byte> data) {
  if (checked_bytes(path.string(), shape, type_info(type).bytes) != data.size())
    throw_error(ErrorCode::argument, "[npy] {}: {} bytes for shape {} of {}", path.string(),
                data.size(), shape_string(shape), type_info(type).descr);
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (", type_info(type).descr);
  for (int64_t extent : shape) header += fmt::format("{}, ", extent);
  header += "), }";
  const size_t before = kMagic.size() + 2 + 2;
  while ((before + header.size() + 1) % kHeaderAlignment != 0) header += ' ';
  header += '\n';
  const auto header_bytes = static_cast<uint16_t>(header.size());
  AtomicFile file(path);
  file.write(kMagic);
  file.write(std::string_view("\x01\x00", 2));
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(header);
  file.write(data);
  file.commit();
}

}  // namespace pewter::io

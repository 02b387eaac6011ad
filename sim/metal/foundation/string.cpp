#include "sim/metal/foundation/string.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "sim/metal/checks.h"
#include "sim/metal/foundation/collections.h"
#include "sim/metal/foundation/data.h"
#include "sim/metal/foundation/error.h"

namespace metal_sim {
namespace {

void append_code_point(std::string& out, uint32_t c) {
  const auto put = [&](uint32_t b) { out += static_cast<char>(b); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xc0 | c >> 6), put(0x80 | (c & 63));
  if (c < 0x10000) return put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
  put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
}

std::string from_utf16(const char16_t* s, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) {
    uint32_t c = s[i];
    if (c >= 0xd800 && c < 0xdc00 && i + 1 < n)
      c = 0x10000 + ((c - 0xd800) << 10) + (s[++i] - 0xdc00u);
    append_code_point(out, c);
  }
  return out;
}

// The bytes of a character by its first one; a UTF-8 character of 4 bytes is two UTF-16 units.
size_t bytes_of(char first) {
  const auto b = static_cast<unsigned char>(first);
  return b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
}

unsigned long units(std::string_view s) {
  unsigned long n = 0;
  for (char c : s) n += (c & 0xc0) != 0x80 ? 1 + (bytes_of(c) == 4) : 0;
  return n;
}

// The byte at which UTF-16 unit `index` begins; the end beyond the last.
size_t byte_of_unit(std::string_view s, unsigned long index) {
  size_t at = 0;
  for (unsigned long unit = 0; unit < index && at < s.size();) {
    unit += 1 + (bytes_of(s[at]) == 4);
    at += bytes_of(s[at]);
  }
  return std::min(at, s.size());
}

std::string decode(const void* bytes, size_t length, unsigned long encoding) {
  if (encoding == kUtf16 || encoding == kUtf16LittleEndian) {
    return from_utf16(static_cast<const char16_t*>(bytes), length / 2);
  }
  std::string_view raw(static_cast<const char*>(bytes), length);
  if (encoding != kLatin1) return std::string(raw);
  std::string out;
  for (char c : raw) append_code_point(out, static_cast<unsigned char>(c));
  return out;
}

// UTF-16 constants are converted once and kept, by address.
std::string_view converted(const ConstantString& s) {
  static auto* mutex = new std::mutex;
  static auto* all = new std::unordered_map<const ConstantString*, std::string>;
  const std::lock_guard lock(*mutex);
  std::string& text = (*all)[&s];
  if (text.empty())
    text = from_utf16(static_cast<const char16_t*>(s.bytes), static_cast<size_t>(s.length));
  return text;
}

void check_index(const char* method, unsigned long index, unsigned long length) {
  if (index > length) {
    failed_assertion(method, "Range or index " + std::to_string(index) +
                                 " out of bounds; string length " + std::to_string(length));
  }
}

std::string with_case(std::string_view s, int (*change)(int)) {
  std::string out(s);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x80) c = static_cast<char>(change(c));
  }
  return out;
}

}  // namespace

std::string_view text(id object) {
  if (!object) return {};
  if (object->isa == &ConstantString::kClass) {
    const auto& s = *static_cast<const ConstantString*>(object);
    if (s.flags == 0x7d0) return converted(s);
    return {static_cast<const char*>(s.bytes), static_cast<size_t>(s.length)};
  }
  if (object->isa == &String::kClass || object->isa == &MutableString::kClass) {
    return static_cast<String*>(object)->utf8;
  }
  static const SEL name = selector("UTF8String");
  const char* bytes = send<const char*>(object, name);
  return bytes ? bytes : "";
}

Ref<String> string_ref(std::string_view utf8) {
  auto s = make_ref<String>();
  s->utf8 = utf8;
  return s;
}
String* string(std::string_view utf8) { return string_ref(utf8).autoreleased(); }

String* String::init_utf8(const char* bytes) { return utf8 = bytes ? bytes : "", this; }
String* String::init_c_string(const char* bytes, unsigned long encoding) {
  return init_bytes(bytes, bytes ? std::strlen(bytes) : 0, encoding);
}
String* String::init_string(String* other) { return utf8 = text(other), this; }
String* String::init_bytes(const void* bytes, unsigned long n, unsigned long encoding) {
  utf8 = decode(bytes, n, encoding);
  return this;
}
String* String::init_bytes_no_copy(void* bytes, unsigned long n, unsigned long encoding,
                                   bool free) {
  init_bytes(bytes, n, encoding);
  if (free) std::free(bytes);
  return this;
}
String* String::init_data(Data* data, unsigned long encoding) {
  return init_bytes(data->bytes(), data->length(), encoding);
}
String* String::init_format_arguments(String* format, va_list arguments) {
  utf8 = format_text(text(format), arguments);
  return this;
}

unsigned long String::length() const { return units(text(const_cast<String*>(this))); }
unsigned short String::character_at(unsigned long index) const {
  const std::string_view s = text(const_cast<String*>(this));
  check_index("-[NSString characterAtIndex:]", index + 1, units(s));
  size_t at = byte_of_unit(s, index);
  const size_t n = bytes_of(s[at]);
  uint32_t c = static_cast<unsigned char>(s[at]) & (n == 1 ? 0x7f : 0xff >> (n + 1));
  for (size_t i = 1; i < n && at + i < s.size(); ++i) c = c << 6 | (s[at + i] & 63);
  if (c < 0x10000) return static_cast<unsigned short>(c);
  return static_cast<unsigned short>(0xd800 + ((c - 0x10000) >> 10));
}
const char* String::utf8_string() {
  const std::string_view s = text(this);
  return s.data() ? s.data() : "";
}
const char* String::c_string(unsigned long) { return utf8_string(); }
unsigned long String::byte_length(unsigned long encoding) const {
  const std::string_view s = text(const_cast<String*>(this));
  return encoding == kUtf16 || encoding == kUtf16LittleEndian ? 2 * units(s) : s.size();
}
bool String::get_c_string(char* to, unsigned long room, unsigned long) const {
  const std::string_view s = text(const_cast<String*>(this));
  if (s.size() + 1 > room) return false;
  std::memcpy(to, s.data(), s.size());
  to[s.size()] = 0;
  return true;
}
bool String::is_equal_object(id other) const {
  return other && is_kind_of(other->isa, &String::kClass) &&
         is_equal_string(static_cast<String*>(other));
}
bool String::is_equal_string(String* other) const {
  return other && text(const_cast<String*>(this)) == text(other);
}
unsigned long String::hash_text() const {
  return std::hash<std::string_view>{}(text(const_cast<String*>(this)));
}
long String::compare(String* other) const {
  const int order = text(const_cast<String*>(this)).compare(text(other));
  return order < 0 ? -1 : order > 0;
}
bool String::has_prefix(String* other) const {
  return text(const_cast<String*>(this)).starts_with(text(other));
}
bool String::has_suffix(String* other) const {
  return text(const_cast<String*>(this)).ends_with(text(other));
}
bool String::contains(String* other) const { return range_of(other).location != kNotFound; }
Range String::range_of(String* other) const {
  const std::string_view s = text(const_cast<String*>(this)), what = text(other);
  const size_t at = what.empty() ? std::string_view::npos : s.find(what);
  if (at == std::string_view::npos) return {kNotFound, 0};
  return {units(s.substr(0, at)), units(what)};
}
String* String::substring_from(unsigned long index) const {
  return substring({index, length() - std::min(index, length())});
}
String* String::substring_to(unsigned long index) const { return substring({0, index}); }
String* String::substring(Range range) const {
  const std::string_view s = text(const_cast<String*>(this));
  check_index("-[NSString substringWithRange:]", range.location + range.length, units(s));
  const size_t begin = byte_of_unit(s, range.location);
  return string(s.substr(begin, byte_of_unit(s, range.location + range.length) - begin));
}
String* String::appending(String* other) const {
  return string(std::string(text(const_cast<String*>(this))) + std::string(text(other)));
}
String* String::appending_path(String* other) const {
  std::string path(text(const_cast<String*>(this)));
  if (!path.empty() && path.back() != '/') path += '/';
  return string(path + std::string(text(other)));
}
String* String::replacing(String* what, String* with) const {
  std::string s(text(const_cast<String*>(this)));
  const std::string_view old = text(what), fresh = text(with);
  for (size_t at = 0; !old.empty() && (at = s.find(old, at)) != std::string::npos;
       at += fresh.size()) {
    s.replace(at, old.size(), fresh);
  }
  return string(s);
}
Array* String::components(String* separator) const {
  std::string_view s = text(const_cast<String*>(this));
  const std::string_view mark = text(separator);
  std::vector<Ref<Object>> parts;
  for (;;) {
    const size_t at = mark.empty() ? std::string_view::npos : s.find(mark);
    parts.emplace_back(string(s.substr(0, at)));
    if (at == std::string_view::npos) return array(std::move(parts));
    s.remove_prefix(at + mark.size());
  }
}
String* String::lower() const {
  return string(with_case(text(const_cast<String*>(this)), std::tolower));
}
String* String::upper() const {
  return string(with_case(text(const_cast<String*>(this)), std::toupper));
}
String* String::last_path_component() const {
  const std::string_view s = text(const_cast<String*>(this));
  return string(s.substr(s.rfind('/') + 1));
}
String* String::without_last_path_component() const {
  const std::string_view s = text(const_cast<String*>(this));
  const size_t at = s.rfind('/');
  return string(at == std::string_view::npos ? "" : s.substr(0, std::max<size_t>(at, 1)));
}
String* String::path_extension() const {
  const std::string_view s = text(const_cast<String*>(this));
  const size_t dot = s.rfind('.');
  if (dot == std::string_view::npos || s.find('/', dot) != std::string_view::npos)
    return string("");
  return string(s.substr(dot + 1));
}
int String::int_value() const { return static_cast<int>(integer_value()); }
long String::integer_value() const {
  return std::strtol(std::string(text(const_cast<String*>(this))).c_str(), nullptr, 10);
}
double String::double_value() const {
  return std::strtod(std::string(text(const_cast<String*>(this))).c_str(), nullptr);
}
float String::float_value() const { return static_cast<float>(double_value()); }
bool String::bool_value() const {
  const std::string_view s = text(const_cast<String*>(this));
  return !s.empty() && std::strchr("YyTt123456789", s[0]);
}
Data* String::data(unsigned long) const {
  const std::string_view s = text(const_cast<String*>(this));
  return data_with(s.data(), s.size());
}
bool String::write_to(String* path, bool, unsigned long, Error** error) const {
  std::ofstream file(std::string(text(path)), std::ios::binary);
  file << text(const_cast<String*>(this));
  if (file.flush()) return true;
  if (error) *error = file_error(512, "The file could not be written.", text(path));
  return false;
}
String* String::describe() { return this; }
id String::copy_with_zone(void*) { return retain(this); }
id String::mutable_copy_with_zone(void*) {
  auto* copy = make<MutableString>();
  copy->utf8 = text(this);
  return copy;
}

void MutableString::append(String* other) { utf8 += text(other); }
void MutableString::set(String* other) { utf8 = std::string(text(other)); }
id MutableString::copy_with_zone(void*) { return string_ref(utf8).take(); }

}  // namespace metal_sim

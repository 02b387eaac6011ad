// NSString. Text is UTF-8 inside; lengths and ranges at the interface count UTF-16 units, as
// Apple's.
#pragma once

#include <cstdarg>
#include <string>
#include <string_view>

#include "sim/metal/foundation/object.h"

namespace metal_sim {

struct Array;
struct Data;
struct Range {
  unsigned long location, length;
};
SIM_ENCODE(Range, "{_NSRange=QQ}");
constexpr unsigned long kNotFound = ~0ul >> 1;
enum StringEncoding : unsigned long {
  kAscii = 1,
  kUtf8 = 4,
  kLatin1 = 5,
  kUtf16 = 10,
  kUtf16LittleEndian = 0x94000100,
};

struct Error;

struct String : Object {
  SIM_CLASS(String, NSString)
  std::string utf8;  // unless it is a ConstantString: read through text()

  String* init_utf8(const char* bytes);
  String* init_c_string(const char* bytes, unsigned long encoding);
  String* init_string(String* other);
  String* init_bytes(const void* bytes, unsigned long length, unsigned long encoding);
  String* init_bytes_no_copy(void* bytes, unsigned long length, unsigned long encoding, bool free);
  String* init_data(Data* data, unsigned long encoding);
  String* init_format_arguments(String* format, va_list arguments);

  unsigned long length() const;
  unsigned short character_at(unsigned long index) const;
  const char* utf8_string();
  const char* c_string(unsigned long encoding);
  unsigned long byte_length(unsigned long encoding) const;
  bool get_c_string(char* to, unsigned long room, unsigned long encoding) const;
  bool is_equal_object(id other) const;
  bool is_equal_string(String* other) const;
  unsigned long hash_text() const;
  long compare(String* other) const;
  bool has_prefix(String* other) const;
  bool has_suffix(String* other) const;
  bool contains(String* other) const;
  Range range_of(String* other) const;
  String* substring_from(unsigned long index) const;
  String* substring_to(unsigned long index) const;
  String* substring(Range range) const;
  String* appending(String* other) const;
  String* appending_path(String* other) const;
  String* replacing(String* what, String* with) const;
  Array* components(String* separator) const;
  String* lower() const;
  String* upper() const;
  String* last_path_component() const;
  String* without_last_path_component() const;
  String* path_extension() const;
  int int_value() const;
  long integer_value() const;
  double double_value() const;
  float float_value() const;
  bool bool_value() const;
  Data* data(unsigned long encoding) const;
  bool write_to(String* path, bool atomically, unsigned long encoding, Error** error) const;
  String* describe();
  id copy_with_zone(void* zone);
  id mutable_copy_with_zone(void* zone);
};

struct MutableString : String {
  SIM_CLASS(MutableString, NSMutableString)
  void append(String* other);
  void set(String* other);
  id copy_with_zone(void* zone);
};

// @"..." as compiled: no count, for ever. The same layout serves the names that Foundation exports.
struct ConstantString : objc_object {
  using Self = ConstantString;
  static constexpr const char* kName = "__NSCFConstantString";
  __attribute__((visibility("default"))) inline static constinit objc_class kClass __asm__(
      "__CFConstantStringClassReference"){};
  inline static constinit objc_class kMeta{};
  int flags;  // 0x7d0: UTF-16, else 8 bit
  const void* bytes;
  long length;
};

// An exported `NSString* const NAME`.
#define SIM_STRING(NAME, TEXT)                                              \
  static constinit metal_sim::ConstantString NAME##_text{                   \
      {&metal_sim::ConstantString::kClass}, 0x7c8, TEXT, sizeof(TEXT) - 1}; \
  extern "C" {                                                              \
  extern __attribute__((visibility("default"))) objc_object* NAME;          \
  constinit objc_object* NAME = &NAME##_text;                               \
  }

std::string_view text(id string);       // "" of nil
String* string(std::string_view utf8);  // autoreleased
Ref<String> string_ref(std::string_view utf8);
std::string format_text(std::string_view format, va_list arguments);

}  // namespace metal_sim

#include "sim/metal/foundation/data.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "sim/metal/checks.h"

namespace metal_sim {

Data::~Data() {
  if (deallocator) {
    reinterpret_cast<void (*)(const Block*, void*, unsigned long)>(deallocator->invoke)(
        deallocator, memory, size);
    _Block_release(deallocator);
  }
  if (owned) std::free(memory);
}
Data* Data::init_bytes(const void* from, unsigned long n) {
  memory = std::malloc(n ? n : 1);
  if (n) std::memcpy(memory, from, n);
  size = n;
  owned = true;
  return this;
}
Data* Data::init_no_copy(void* from, unsigned long n, bool free) {
  memory = from;
  size = n;
  owned = free;
  return this;
}
Data* Data::init_with_deallocator(void* from, unsigned long n, const Block* block) {
  deallocator = static_cast<const Block*>(_Block_copy(block));
  return init_no_copy(from, n, false);
}
Data* Data::init_data(Data* other) { return init_bytes(other->memory, other->size); }
Data* Data::init_file(String* path) {
  std::ifstream file(std::string(text(path)), std::ios::binary);
  if (!file) {
    release(this);
    return nullptr;
  }
  const std::string all((std::istreambuf_iterator<char>(file)), {});
  return init_bytes(all.data(), all.size());
}
const void* Data::bytes() const { return memory; }
unsigned long Data::length() const { return size; }
void Data::get_bytes(void* to, unsigned long n) const {
  std::memcpy(to, memory, std::min<size_t>(n, size));
}
void Data::get_range(void* to, Range r) const {
  if (r.location > size || r.length > size - r.location) {
    failed_assertion("-[NSData getBytes:range:]", "NSRangeException: range exceeds data length");
  }
  std::memcpy(to, static_cast<char*>(memory) + r.location, r.length);
}
Data* Data::subdata(Range r) const {
  auto* d = data_with(memory, 0);
  d->size = r.length;
  d->memory = std::realloc(d->memory, r.length + 1);
  get_range(d->memory, r);
  return d;
}
bool Data::is_equal_object(id other) const {
  const Data* o = as<Data>(other);
  return o && o->size == size && std::memcmp(o->memory, memory, size) == 0;
}
unsigned long Data::hash_size() const { return size; }
bool Data::write_to(String* path, bool) const {
  std::ofstream file(std::string(text(path)), std::ios::binary);
  file.write(static_cast<const char*>(memory), static_cast<std::streamsize>(size));
  return static_cast<bool>(file.flush());
}
id Data::copy_with_zone(void*) { return retain(this); }
id Data::mutable_copy_with_zone(void*) { return make<MutableData>()->init_data(this); }

MutableData* MutableData::init_length(unsigned long n) {
  init_bytes(nullptr, 0);
  set_length(n);
  return this;
}
void* MutableData::mutable_bytes() { return memory; }
void MutableData::set_length(unsigned long n) {
  memory = std::realloc(memory, n + 1);
  if (n > size) std::memset(static_cast<char*>(memory) + size, 0, n - size);
  size = n;
  owned = true;
}
void MutableData::append(const void* from, unsigned long n) {
  const size_t at = size;
  set_length(size + n);
  std::memcpy(static_cast<char*>(memory) + at, from, n);
}
void MutableData::append_data(Data* other) { append(other->memory, other->size); }
id MutableData::copy_with_zone(void*) { return make<Data>()->init_data(this); }

Data* data_with(const void* bytes, size_t n) {
  return static_cast<Data*>(autorelease(make<Data>()->init_bytes(bytes, n)));
}

bool Number::bool_value() const { return kind == kDouble ? d != 0 : u != 0; }
const char* Number::objc_type() const {
  switch (type) {
    case 'c':
      return "c";
    case 'C':
      return "C";
    case 's':
      return "s";
    case 'S':
      return "S";
    case 'I':
      return "I";
    case 'q':
      return "q";
    case 'Q':
      return "Q";
    case 'f':
      return "f";
    case 'd':
      return "d";
    default:
      return "i";
  }
}
bool Number::is_equal_object(id other) const {
  Number* o = as<Number>(other);
  return o && compare(o) == 0;
}
unsigned long Number::hash_value() const { return get<unsigned long>(); }
long Number::compare(Number* o) const {
  if (kind != kDouble && o->kind != kDouble) {
    const bool negative = kind == kSigned && s < 0, other_negative = o->kind == kSigned && o->s < 0;
    if (negative != other_negative) return negative ? -1 : 1;
    return u < o->u ? -1 : u > o->u;
  }
  const double a = get<double>(), b = o->get<double>();
  return a < b ? -1 : a > b;
}
String* Number::describe() {
  if (kind == kSigned) return string(std::to_string(s));
  if (kind == kUnsigned) return string(std::to_string(u));
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, type == 'f' ? "%.7g" : "%.16g", d);
  return string(buffer);
}
id Number::copy_with_zone(void*) { return retain(this); }

Url* Url::init_file(String* path) {
  path_text = text(path);
  return this;
}
Url* Url::init_string(String* whole) {
  const std::string_view s = text(whole);
  file = s.starts_with("file://");
  path_text = file ? s.substr(7) : s;
  return this;
}
const char* Url::file_system_representation() const { return path_text.c_str(); }
String* Url::path() const { return string(path_text); }
String* Url::absolute() const { return string(file ? "file://" + path_text : path_text); }
bool Url::is_file() const { return file; }
String* Url::last_component() const { return path()->last_path_component(); }
Url* Url::appending(String* component) const {
  auto* url = make<Url>()->init_file(path()->appending_path(component));
  url->file = file;
  return static_cast<Url*>(autorelease(url));
}
id Url::copy_with_zone(void*) { return retain(this); }

}  // namespace metal_sim

using namespace metal_sim;

// libdispatch's data objects are what Metal takes a library's bytes as; here they are NSData.
SIM_EXPORT id dispatch_data_create(const void* bytes, size_t size, id, const Block*) {
  return make<Data>()->init_bytes(bytes, size);
}
SIM_EXPORT void dispatch_retain(id object) { retain(object); }
SIM_EXPORT void dispatch_release(id object) { release(object); }

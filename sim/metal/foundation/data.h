// NSData, NSNumber (and NSValue), NSURL, NSProcessInfo, NSBundle, NSAutoreleasePool: the small
// classes.
#pragma once

#include "sim/metal/foundation/collections.h"

namespace metal_sim {

struct Data : Object {
  SIM_CLASS(Data, NSData)
  void* memory = nullptr;
  size_t size = 0;
  bool owned = false;
  const Block* deallocator = nullptr;

  ~Data();
  Data* init_bytes(const void* from, unsigned long n);
  Data* init_no_copy(void* from, unsigned long n, bool free);
  Data* init_with_deallocator(void* from, unsigned long n, const Block* block);
  Data* init_data(Data* other);
  Data* init_file(String* path);
  const void* bytes() const;
  unsigned long length() const;
  void get_bytes(void* to, unsigned long n) const;
  void get_range(void* to, Range range) const;
  Data* subdata(Range range) const;
  bool is_equal_object(id other) const;
  unsigned long hash_size() const;
  bool write_to(String* path, bool atomically) const;
  id copy_with_zone(void* zone);
  id mutable_copy_with_zone(void* zone);
};

struct MutableData : Data {
  SIM_CLASS(MutableData, NSMutableData)
  MutableData* init_length(unsigned long n);
  void* mutable_bytes();
  void set_length(unsigned long n);
  void append(const void* from, unsigned long n);
  void append_data(Data* other);
  id copy_with_zone(void* zone);
};

Data* data_with(const void* bytes, size_t n);  // autoreleased

struct Value : Object {
  SIM_CLASS(Value, NSValue)
};

struct Number : Value {
  SIM_CLASS(Number, NSNumber)
  enum Kind : uint8_t { kSigned, kUnsigned, kDouble } kind = kSigned;
  char type = 'i';  // its Objective-C encoding
  union {
    int64_t s = 0;
    uint64_t u;
    double d;
  };
  template <typename T>
  Number* set(T value);
  template <typename T>
  T get() const {
    return kind == kDouble     ? static_cast<T>(d)
           : kind == kUnsigned ? static_cast<T>(u)
                               : static_cast<T>(s);
  }
  bool bool_value() const;
  const char* objc_type() const;
  bool is_equal_object(id other) const;
  unsigned long hash_value() const;
  long compare(Number* other) const;
  String* describe();
  id copy_with_zone(void* zone);
};
Number* number(double value);  // autoreleased
Number* number(unsigned long value);

void register_data();

struct Url : Object {
  SIM_CLASS(Url, NSURL)
  std::string path_text;
  bool file = true;
  Url* init_file(String* path);
  Url* init_string(String* text);
  const char* file_system_representation() const;
  String* path() const;
  String* absolute() const;
  bool is_file() const;
  String* last_component() const;
  Url* appending(String* component) const;
  id copy_with_zone(void* zone);
};

}  // namespace metal_sim

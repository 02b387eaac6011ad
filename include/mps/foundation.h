// The part of Foundation that Metal's arguments and results need, and NSError as an exception.
#pragma once

#include <mps/objc_block.h>

#include <string>
#include <vector>

namespace apple::ns {

using objc::ClassMethod;
using objc::Id;
using objc::Int;
using objc::Interface;
using objc::Made;
using objc::Method;
using objc::NSObjectInterface;
using objc::Object;
using objc::Self;
using objc::UInt;

struct Range {
  UInt location = 0;
  UInt length = 0;
};

class String;
class Array;
class Dictionary;

struct StringMethods : Interface<"NSString", NSObjectInterface,
                                 ClassMethod<"stringWithUTF8String:", Self(const char*)>,
                                 Method<"UTF8String", const char*()>, Method<"length", UInt()>,
                                 Method<"isEqualToString:", bool(String)>> {};

struct ArrayMethods : Interface<"NSArray", NSObjectInterface,
                                ClassMethod<"arrayWithObjects:count:", Self(const Id*, UInt)>,
                                Method<"count", UInt()>, Method<"objectAtIndex:", Object(UInt)>> {};

struct DictionaryMethods
    : Interface<
          "NSDictionary", NSObjectInterface,
          ClassMethod<"dictionaryWithObjects:forKeys:count:", Self(const Id*, const Id*, UInt)>,
          Method<"count", UInt()>, Method<"objectForKey:", Object(Object)>,
          Method<"allKeys", Array()>> {};

struct NumberMethods
    : Interface<"NSNumber", NSObjectInterface, ClassMethod<"numberWithBool:", Self(bool)>,
                ClassMethod<"numberWithLongLong:", Self(long long)>,
                ClassMethod<"numberWithUnsignedLongLong:", Self(unsigned long long)>,
                ClassMethod<"numberWithDouble:", Self(double)>, Method<"boolValue", bool()>,
                Method<"longLongValue", long long()>,
                Method<"unsignedLongLongValue", unsigned long long()>,
                Method<"doubleValue", double()>> {};

struct URLMethods
    : Interface<"NSURL", NSObjectInterface, ClassMethod<"fileURLWithPath:", Self(String)>,
                Method<"path", String()>> {};

struct DataMethods : Interface<"NSData", NSObjectInterface,
                               ClassMethod<"dataWithBytes:length:", Self(const void*, UInt)>,
                               Method<"bytes", const void*()>, Method<"length", UInt()>> {};

struct ErrorMethods
    : Interface<"NSError", NSObjectInterface,
                ClassMethod<"errorWithDomain:code:userInfo:", Self(String, Int, Dictionary)>,
                Method<"domain", String()>, Method<"code", Int()>, Method<"userInfo", Dictionary()>,
                Method<"localizedDescription", String()>> {};

struct Catalogue
    : objc::Catalogue<NSObjectInterface, StringMethods, ArrayMethods, DictionaryMethods,
                      NumberMethods, URLMethods, DataMethods, ErrorMethods> {};

class String : public objc::Of<Catalogue, StringMethods> {
 public:
  using Of::Of;
  String() = default;
  String(const char* text) : Of(create<"stringWithUTF8String:">(text)) {}
  String(const std::string& text) : String(text.c_str()) {}

  // Empty for nil, as a label that nobody set is.
  std::string str() const {
    if (!*this) return {};
    const objc::Pool pool;  // the characters live no longer than it
    return send<"UTF8String">();
  }
  UInt length() const { return send<"length">(); }
  bool equals(const String& other) const { return send<"isEqualToString:">(other); }
};

class Array : public objc::Of<Catalogue, ArrayMethods> {
 public:
  using Of::Of;
  Array() = default;
  Array(const Id* objects, UInt count) : Of(create<"arrayWithObjects:count:">(objects, count)) {}

  template <class T>
  static Array of(const std::vector<T>& objects) {
    std::vector<Id> ids;
    for (const T& object : objects) ids.push_back(object.id());
    return Array(ids.data(), ids.size());
  }

  UInt count() const { return send<"count">(); }

  // Checked here: an index out of range raises an Objective-C exception, which C++ cannot catch.
  template <class T = Object>
  T at(UInt index) const {
    if (index >= count()) {
      throw Failure("NSArray has " + std::to_string(count()) + " objects, none at index " +
                    std::to_string(index));
    }
    return T(objc::retained(send<"objectAtIndex:">(index).id()));
  }
};

class Dictionary : public objc::Of<Catalogue, DictionaryMethods> {
 public:
  using Of::Of;
  Dictionary() = default;
  Dictionary(const Id* values, const Id* keys, UInt count)
      : Of(create<"dictionaryWithObjects:forKeys:count:">(values, keys, count)) {}

  UInt count() const { return send<"count">(); }
  Array all_keys() const { return send<"allKeys">(); }

  // Nil where the key is not.
  template <class T = Object>
  T get(const Object& key) const {
    return T(objc::retained(send<"objectForKey:">(key).id()));
  }
};

class Number : public objc::Of<Catalogue, NumberMethods> {
 public:
  using Of::Of;
  Number() = default;
  explicit Number(bool value) : Of(create<"numberWithBool:">(value)) {}
  explicit Number(long long value) : Of(create<"numberWithLongLong:">(value)) {}
  explicit Number(unsigned long long value) : Of(create<"numberWithUnsignedLongLong:">(value)) {}
  explicit Number(double value) : Of(create<"numberWithDouble:">(value)) {}

  bool bool_value() const { return send<"boolValue">(); }
  long long long_long_value() const { return send<"longLongValue">(); }
  unsigned long long unsigned_long_long_value() const { return send<"unsignedLongLongValue">(); }
  double double_value() const { return send<"doubleValue">(); }
};

class URL : public objc::Of<Catalogue, URLMethods> {
 public:
  using Of::Of;
  URL() = default;
  static URL file(const String& path) { return URL(create<"fileURLWithPath:">(path)); }
  String path() const { return send<"path">(); }
};

class Data : public objc::Of<Catalogue, DataMethods> {
 public:
  using Of::Of;
  Data() = default;
  Data(const void* bytes, UInt length) : Of(create<"dataWithBytes:length:">(bytes, length)) {}
  const void* bytes() const { return send<"bytes">(); }
  UInt length() const { return send<"length">(); }
};

class Error : public objc::Of<Catalogue, ErrorMethods> {
 public:
  using Of::Of;
  Error() = default;
  Error(const String& domain, Int code, const Dictionary& user_info)
      : Of(create<"errorWithDomain:code:userInfo:">(domain, code, user_info)) {}
  String domain() const { return send<"domain">(); }
  Int code() const { return send<"code">(); }
  Dictionary user_info() const { return send<"userInfo">(); }
  String localized_description() const { return send<"localizedDescription">(); }
};

inline Failure failure_of(const Error& error, const std::string& what) {
  if (!error) return Failure(what + " failed and gave no error");
  return Failure(what + ": " + error.localized_description().str(), error.domain().str(),
                 error.code());
}

inline void throw_error(Id error, const std::string& what) {
  throw failure_of(Error(objc::retained(error)), what);
}

}  // namespace apple::ns

template <>
struct apple::objc::LayoutOf<apple::ns::Range>
    : Layout<"_NSRange", Field<"location", &apple::ns::Range::location>,
             Field<"length", &apple::ns::Range::length>> {};

// NSData and NSNumber as Objective-C sees them; NSNumber has one initialiser a C type.
#include "sim/metal/foundation/data.h"

namespace metal_sim {
namespace {

template <typename T>
Number* init_number(Number* self, SEL, T value) {
  return self->set(value);
}
template <typename T>
Number* number_with(Class cls, SEL, T value) {
  return static_cast<Number*>(autorelease(static_cast<Number*>(Object::alloc(cls))->set(value)));
}
template <typename T>
T number_value(Number* self, SEL) {
  return self->get<T>();
}

// init, factory and value of one type: initWithInt:, numberWithInt:, intValue.
template <typename T>
void add_type(Cls<Number>& n, const char* name, const char* value_name) {
  const std::string type = Encoding<T>::text();
  const std::string one = "@@:" + type, get = type + "@:";
  n.raw_method((std::string("initWith") + name + ":").c_str(),
               reinterpret_cast<IMP>(&init_number<T>), one.c_str());
  n.raw_class_method((std::string("numberWith") + name + ":").c_str(),
                     reinterpret_cast<IMP>(&number_with<T>), one.c_str());
  n.raw_method(value_name, reinterpret_cast<IMP>(&number_value<T>), get.c_str());
}

Number* init_bool(Number* self, SEL, bool value) {
  self->set(static_cast<int>(value));
  self->type = 'c';
  return self;
}
Number* with_bool(Class cls, SEL s, bool value) {
  return static_cast<Number*>(
      autorelease(init_bool(static_cast<Number*>(Object::alloc(cls)), s, value)));
}

void register_number() {
  Cls<Value> value(Object::kClass);
  Cls<Number> n(Value::kClass);
  add_type<signed char>(n, "Char", "charValue");
  add_type<unsigned char>(n, "UnsignedChar", "unsignedCharValue");
  add_type<short>(n, "Short", "shortValue");
  add_type<unsigned short>(n, "UnsignedShort", "unsignedShortValue");
  add_type<int>(n, "Int", "intValue");
  add_type<unsigned>(n, "UnsignedInt", "unsignedIntValue");
  add_type<long>(n, "Long", "longValue");
  add_type<unsigned long>(n, "UnsignedLong", "unsignedLongValue");
  add_type<long long>(n, "LongLong", "longLongValue");
  add_type<unsigned long long>(n, "UnsignedLongLong", "unsignedLongLongValue");
  add_type<long>(n, "Integer", "integerValue");
  add_type<unsigned long>(n, "UnsignedInteger", "unsignedIntegerValue");
  add_type<float>(n, "Float", "floatValue");
  add_type<double>(n, "Double", "doubleValue");
  n.raw_method("initWithBool:", reinterpret_cast<IMP>(&init_bool), "@@:B")
      .raw_class_method("numberWithBool:", reinterpret_cast<IMP>(&with_bool), "@@:B")
      .method<&Number::bool_value>("boolValue")
      .method<&Number::objc_type>("objCType")
      .method<&Number::is_equal_object>("isEqual:")
      .method<&Number::is_equal_object>("isEqualToNumber:")
      .method<&Number::hash_value>("hash")
      .method<&Number::compare>("compare:")
      .method<&Number::describe>("stringValue")
      .method<&Number::describe>("description")
      .method<&Number::copy_with_zone>("copyWithZone:");
}

}  // namespace

template <typename T>
Number* Number::set(T value) {
  type = Encoding<T>::text()[0];
  if constexpr (std::is_floating_point_v<T>) {
    kind = kDouble;
    d = value;
  } else if constexpr (std::is_signed_v<T>) {
    kind = kSigned;
    s = value;
  } else {
    kind = kUnsigned;
    u = value;
  }
  return this;
}

Number* number(double value) {
  return static_cast<Number*>(autorelease(make<Number>()->set(value)));
}
Number* number(unsigned long value) {
  return static_cast<Number*>(autorelease(make<Number>()->set(value)));
}

void register_data() {
  Cls<Data>(Object::kClass)
      .maker<&Data::init_bytes>("initWithBytes:length:", "dataWithBytes:length:")
      .maker<&Data::init_no_copy>("initWithBytesNoCopy:length:freeWhenDone:",
                                  "dataWithBytesNoCopy:length:freeWhenDone:")
      .method<&Data::init_with_deallocator>("initWithBytesNoCopy:length:deallocator:")
      .maker<&Data::init_data>("initWithData:", "dataWithData:")
      .maker<&Data::init_file>("initWithContentsOfFile:", "dataWithContentsOfFile:")
      .method<&Data::bytes>("bytes")
      .method<&Data::length>("length")
      .method<&Data::get_bytes>("getBytes:length:")
      .method<&Data::get_range>("getBytes:range:")
      .method<&Data::subdata>("subdataWithRange:")
      .method<&Data::is_equal_object>("isEqual:")
      .method<&Data::is_equal_object>("isEqualToData:")
      .method<&Data::hash_size>("hash")
      .method<&Data::write_to>("writeToFile:atomically:")
      .method<&Data::copy_with_zone>("copyWithZone:")
      .method<&Data::mutable_copy_with_zone>("mutableCopyWithZone:");
  Cls<MutableData>(Data::kClass)
      .maker<&MutableData::init_length>("initWithLength:", "dataWithLength:")
      .method<&MutableData::mutable_bytes>("mutableBytes")
      .method<&MutableData::set_length>("setLength:")
      .method<&MutableData::append>("appendBytes:length:")
      .method<&MutableData::append_data>("appendData:")
      .method<&MutableData::copy_with_zone>("copyWithZone:");
  register_number();
}

}  // namespace metal_sim

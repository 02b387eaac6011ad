#include "sim/metal/foundation/exception.h"

extern "C" void objc_exception_throw(objc_object* object);

SIM_STRING(NSGenericException, "NSGenericException");
SIM_STRING(NSRangeException, "NSRangeException");
SIM_STRING(NSInvalidArgumentException, "NSInvalidArgumentException");
SIM_STRING(NSInternalInconsistencyException, "NSInternalInconsistencyException");

namespace metal_sim {
namespace {

void raise_format(Class, SEL, String* name, String* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  String* reason = string(format_text(text(format), arguments));
  va_end(arguments);
  objc_exception_throw(autorelease(make<Exception>()->init_with(name, reason, nullptr)));
}

}  // namespace

Exception* Exception::init_with(String* n, String* r, Dictionary* i) {
  name = Ref<String>(n);
  reason = Ref<String>(r);
  info = Ref<Dictionary>(i);
  return this;
}
void Exception::raise_it() { objc_exception_throw(this); }
String* Exception::describe() { return string(text(reason.get())); }

void register_exception() {
  Cls<Exception>(Object::kClass)
      .maker<&Exception::init_with>("initWithName:reason:userInfo:",
                                    "exceptionWithName:reason:userInfo:")
      .raw_class_method("raise:format:", reinterpret_cast<IMP>(&raise_format), "v@:@@")
      .read_only<&Exception::name>("name")
      .read_only<&Exception::reason>("reason")
      .read_only<&Exception::info>("userInfo")
      .method<&Exception::raise_it>("raise")
      .method<&Exception::describe>("description");
}

}  // namespace metal_sim

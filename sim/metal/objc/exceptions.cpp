// @try and @throw. As in Apple's modern runtime an Objective-C exception is a C++ exception whose
// type information matches by class, so that both languages' frames unwind alike. Compiled images
// refer to the virtual table of that type information by name; the entries are libstdc++'s.
#include <cxxabi.h>
#include <unwind.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <typeinfo>

#include "sim/metal/objc/bind.h"

SIM_EXPORT void* objc_ehtype_vtable[8];
void* objc_ehtype_vtable[8] = {};

namespace metal_sim {
namespace {

// What clang emits as OBJC_EHTYPE_$_Class: {virtual table, name, class}; class null: any object.
class ObjectType : public std::type_info {
 public:
  ObjectType(const char* name, Class cls) : type_info(name), cls_(cls) {}
  bool __is_pointer_p() const override { return true; }
  bool __do_catch(const std::type_info* thrown, void** object, unsigned) const override {
    if (!is_object_type(thrown)) return false;
    const id value = static_cast<id>(*object);
    return !cls_ || (value && is_kind_of(value->isa, cls_));
  }

 private:
  static bool is_object_type(const std::type_info* type) {
    void* const* table = *reinterpret_cast<void* const* const*>(type);
    return table == objc_ehtype_vtable + 2 ||
           std::memcmp(table, objc_ehtype_vtable + 2, 6 * sizeof(void*)) == 0;
  }
  Class cls_;
};

}  // namespace
}  // namespace metal_sim

// Storage under the linker's names; filled in set_up_exceptions, before any image can throw.
SIM_EXPORT void* OBJC_EHTYPE_id[3];
void* OBJC_EHTYPE_id[3] = {};
extern "C" {
__attribute__((visibility("default"))) extern void* nsexception_type[3] __asm__(
    "OBJC_EHTYPE_$_NSException");
void* nsexception_type[3] = {};
}

namespace metal_sim {

void set_up_exceptions() {
  static ObjectType any("id", nullptr);
  void** table = *reinterpret_cast<void***>(&any) - 2;
  std::memcpy(objc_ehtype_vtable, table, sizeof objc_ehtype_vtable);
  const auto fill = [](void** type, const char* name, Class cls) {
    type[0] = objc_ehtype_vtable + 2;
    type[1] = const_cast<char*>(name);
    type[2] = cls;
  };
  fill(OBJC_EHTYPE_id, "id", nullptr);
  // A program may bring its own (clang 19 does, in memory that it cannot write): that one is whole.
  if (!nsexception_type[0]) fill(nsexception_type, "NSException", find_class("NSException"));
}

}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT void objc_exception_throw(id object) {
  auto** memory = static_cast<id*>(abi::__cxa_allocate_exception(sizeof(id)));
  *reinterpret_cast<id*>(memory) = retain(object);
  abi::__cxa_throw(memory, reinterpret_cast<std::type_info*>(OBJC_EHTYPE_id),
                   [](void* place) { release(*static_cast<id*>(place)); });
}
SIM_EXPORT void* objc_begin_catch(void* exception) { return abi::__cxa_begin_catch(exception); }
SIM_EXPORT void objc_end_catch() { abi::__cxa_end_catch(); }
SIM_EXPORT void objc_exception_rethrow() { abi::__cxa_rethrow(); }
SIM_EXPORT void objc_terminate() { std::terminate(); }

extern "C" _Unwind_Reason_Code __gxx_personality_v0(int, _Unwind_Action, _Unwind_Exception_Class,
                                                    _Unwind_Exception*, _Unwind_Context*);
SIM_EXPORT _Unwind_Reason_Code __objc_personality_v0(int version, _Unwind_Action actions,
                                                     _Unwind_Exception_Class kind,
                                                     _Unwind_Exception* exception,
                                                     _Unwind_Context* context) {
  return __gxx_personality_v0(version, actions, kind, exception, context);
}

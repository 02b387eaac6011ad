// The runtime's C functions that other parts of the simulator call. Their names, types and meaning
// are Apple's; the rest of the C API is in api.cpp and needs no declaration here.
#pragma once

#include "sim/metal/objc/abi.h"

extern "C" {
void objc_msgSend();
SEL sel_registerName(const char* name);
Class objc_getClass(const char* name);
Class objc_lookUpClass(const char* name);
id objc_retain(id object);
void objc_release(id object);
id objc_autorelease(id object);
void* objc_autoreleasePoolPush();
void objc_autoreleasePoolPop(void* token);
void* _Block_copy(const void* block);
void _Block_release(const void* block);
bool class_addMethod(Class cls, SEL selector, IMP imp, const char* types);
extern Class _NSConcreteStackBlock[32], _NSConcreteGlobalBlock[32], _NSConcreteMallocBlock[32];
}

namespace metal_sim {

// send<R>(object, "selector", arguments...) through objc_msgSend, for methods others may override.
template <typename R, typename... Args>
R send(id object, SEL selector, Args... args) {
  return reinterpret_cast<R (*)(id, SEL, Args...)>(&objc_msgSend)(object, selector, args...);
}

}  // namespace metal_sim

// The Objective-C runtime as these bindings see it: a table of function pointers, filled once.
//
// Nothing is linked. On macOS the functions are those of libobjc and the frameworks, elsewhere
// those of one library that the caller names and that exports the same functions with Apple's ABI.
// So a program starts on a machine with no Metal and learns why from an exception.
#pragma once

#include <dlfcn.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace apple {

// What every function here throws: `domain` and `code` are the NSError's, or "pewter.bindings" and
// 0.
class Failure : public std::runtime_error {
 public:
  explicit Failure(const std::string& what, std::string domain = "pewter.bindings", long code = 0)
      : std::runtime_error(what), domain_(std::move(domain)), code_(code) {}
  const std::string& domain() const { return domain_; }
  long code() const { return code_; }

 private:
  std::string domain_;
  long code_;
};

namespace objc {

using Id = void*;
using Sel = struct Selector*;
using Int = long;            // NSInteger
using UInt = unsigned long;  // NSUInteger

struct Entries {
  void (*msg_send)() = nullptr;        // cast to the method's exact type at each call
  void (*msg_send_stret)() = nullptr;  // x86-64 only: results that are returned in memory
  Sel (*sel_register_name)(const char*) = nullptr;
  Id (*get_class)(const char*) = nullptr;
  void* (*pool_push)() = nullptr;
  void (*pool_pop)(void*) = nullptr;
  Id (*retain)(Id) = nullptr;
  void (*release)(Id) = nullptr;
  void* (*block_copy)(const void*) = nullptr;
  void (*block_release)(const void*) = nullptr;
  void* stack_block_class = nullptr;  // the address of _NSConcreteStackBlock
};

#if defined(__x86_64__)
inline constexpr bool kHasStret = true;
#else
inline constexpr bool kHasStret = false;
#endif

class Runtime {
 public:
  // The system's frameworks: macOS only.
  static void load() { load(system_libraries()); }

  // One library that holds all: software Metal. Loading the same again does nothing.
  static void load(const std::string& library) { load(std::vector<std::string>{library}); }

  static bool loaded() { return ready_.load(std::memory_order_acquire); }

  // Valid once loaded; whoever has a selector or an object knows that it is.
  static const Entries& entries() { return entries_; }

  // A function of the frameworks by its C name, or null where they have none of that name.
  static void* symbol(const char* name) {
    require_loaded();
    return find(handles_, name);
  }

  static void require_loaded() {
    if (!loaded()) throw Failure("the Objective-C runtime is not loaded: call objc::Runtime::load");
  }

 private:
  static std::vector<std::string> system_libraries() {
#if defined(__APPLE__)
    const std::string frameworks = "/System/Library/Frameworks/";
    // Without CoreGraphics a program that has no window is told that there is no default device.
    return {"/usr/lib/libobjc.A.dylib", frameworks + "Foundation.framework/Foundation",
            frameworks + "CoreGraphics.framework/CoreGraphics",
            frameworks + "Metal.framework/Metal",
            frameworks + "MetalPerformanceShaders.framework/MetalPerformanceShaders"};
#else
    throw Failure(
        "this system has no Metal: name a library that implements it (software Metal, "
        "libmetal_sim.so)");
#endif
  }

  static void load(const std::vector<std::string>& paths) {
    const std::lock_guard lock(mutex_);
    if (loaded()) {
      if (paths == paths_) return;
      throw Failure("the Objective-C runtime is already loaded, from " + paths_.front());
    }
    std::vector<void*> handles;
    for (const std::string& path : paths) handles.push_back(open(path));
    entries_ = resolve(handles, paths.front());
    handles_ = std::move(handles);
    paths_ = paths;
    ready_.store(true, std::memory_order_release);
  }

  // Never closed: classes and selectors that were handed out live in it.
  static void* open(const std::string& path) {
    if (void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
    const char* reason = dlerror();
    throw Failure("'" + path + "' cannot be loaded: " + (reason ? reason : "no reason given"));
  }

  static void* find(const std::vector<void*>& handles, const char* name) {
    for (void* handle : handles) {
      if (void* found = dlsym(handle, name)) return found;
    }
    return nullptr;
  }

  static Entries resolve(const std::vector<void*>& handles, const std::string& where) {
    Entries f;
    std::string missing;
    const auto get = [&](auto& slot, const char* name) {
      void* found = find(handles, name);
      if (!found) missing += std::string(missing.empty() ? "" : ", ") + name;
      slot = reinterpret_cast<std::remove_reference_t<decltype(slot)>>(found);
    };
    get(f.msg_send, "objc_msgSend");
    if (kHasStret) get(f.msg_send_stret, "objc_msgSend_stret");
    get(f.sel_register_name, "sel_registerName");
    get(f.get_class, "objc_getClass");
    get(f.pool_push, "objc_autoreleasePoolPush");
    get(f.pool_pop, "objc_autoreleasePoolPop");
    get(f.retain, "objc_retain");
    get(f.release, "objc_release");
    get(f.block_copy, "_Block_copy");
    get(f.block_release, "_Block_release");
    get(f.stack_block_class, "_NSConcreteStackBlock");
    if (!missing.empty()) throw Failure("'" + where + "' lacks " + missing);
    return f;
  }

  static inline std::mutex mutex_;
  static inline std::atomic<bool> ready_{false};
  static inline Entries entries_;
  static inline std::vector<void*> handles_;
  static inline std::vector<std::string> paths_;
};

// What is autoreleased while it lives is released when it goes. Pools nest, on one thread.
class Pool {
 public:
  Pool() {
    Runtime::require_loaded();
    token_ = Runtime::entries().pool_push();
  }
  ~Pool() { Runtime::entries().pool_pop(token_); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

 private:
  void* token_;
};

}  // namespace objc
}  // namespace apple

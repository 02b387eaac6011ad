// What the fuzz targets share. Only pewter::Error may leave a reader; anything else ends the run.
// Memory is watched too: a reader may hold no more than a constant times its input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "io/mapped_file.h"
#include "pewter/error.h"

extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                             size_t),
                                                         void (*free_hook)(const volatile void*));
extern "C" size_t __sanitizer_get_allocated_size(const volatile void* pointer);

namespace pewter::fuzz {

struct Memory {
  inline static bool installed = false;
  inline static bool counting = false;
  inline static int64_t live = 0;
  inline static int64_t peak = 0;

  static void on_malloc(const volatile void*, size_t bytes) {
    if (!counting) return;
    live += static_cast<int64_t>(bytes);
    if (live > peak) peak = live;
  }
  static void on_free(const volatile void* pointer) {
    if (counting && pointer) live -= static_cast<int64_t>(__sanitizer_get_allocated_size(pointer));
  }
};

// Runs `body` and aborts if it ever held more than `base + factor * bytes`.
template <typename Body>
int run_limited(size_t bytes, int64_t base, int64_t factor, Body body) {
  if (!Memory::installed) {
    __sanitizer_install_malloc_and_free_hooks(Memory::on_malloc, Memory::on_free);
    Memory::installed = true;
  }
  Memory::live = Memory::peak = 0;
  Memory::counting = true;
  try {
    body();
  } catch (const Error&) {
  }
  Memory::counting = false;
  const int64_t limit = base + factor * static_cast<int64_t>(bytes);
  if (Memory::peak > limit) {
    std::fprintf(stderr, "held %lld bytes for an input of %zu, more than %lld\n",
                 static_cast<long long>(Memory::peak), bytes, static_cast<long long>(limit));
    std::abort();
  }
  return 0;
}

inline io::FileBytes file_of(const uint8_t* data, size_t size) {
  return io::copy_bytes("input", std::string_view(reinterpret_cast<const char*>(data), size));
}

// Reads every byte, so that the address sanitizer sees a span that reaches too far.
inline void touch(std::span<const std::byte> bytes) {
  for (const std::byte& b : bytes) static_cast<void>(*static_cast<const volatile std::byte*>(&b));
}

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

// One factor for the readers that build a document: a value of two bytes ("0,") costs a JSON node,
// its place in a growing array and the path that names it in an error.
inline constexpr int64_t kBase = 1 << 20;
inline constexpr int64_t kFactor = 512;

}  // namespace pewter::fuzz

// Blocks made of C++ callables: what a completion handler is.
//
// The literal has the layout that Apple publishes and clang emits. It is built on the stack with
// helpers that copy and destroy the callable, then copied to the heap by _Block_copy, so a Block
// owns its captures and whoever retains it keeps them alive.
#pragma once

#include <mps/objc_object.h>

#include <concepts>
#include <cstdint>
#include <memory>

namespace apple::objc {

inline constexpr std::int32_t kBlockHasCopyDispose = 1 << 25;

struct BlockDescriptor {
  unsigned long reserved;
  unsigned long size;
  void (*copy)(void* to, const void* from);
  void (*dispose)(const void* literal);
};

template <class F>
struct BlockLiteral {
  void* isa;
  std::int32_t flags;
  std::int32_t reserved;
  void (*invoke)();  // its first argument is the literal
  const BlockDescriptor* descriptor;
  alignas(F) unsigned char callable[sizeof(F)];

  F* get() { return std::launder(reinterpret_cast<F*>(callable)); }
};

template <class T>
struct BlockArgument : Abi<T> {
  static T from(T value) { return value; }
};
template <class T>
requires kIsObject<T>
struct BlockArgument<T> : Abi<T> {
  static T from(Id id) { return T(retained(id)); }
};

template <class Signature>
class Block;

// Handlers give nothing back and run on threads of the framework, so each call has its own pool. An
// exception has nobody to catch it there and ends the program.
template <class... P>
class Block<void(P...)> {
 public:
  Block() = default;  // no handler

  template <class F>
  requires std::invocable<F&, P...> && std::copy_constructible<F>
  explicit Block(F callable) {
    static_assert(alignof(F) <= alignof(std::max_align_t), "_Block_copy does not align further");
    Runtime::require_loaded();
    BlockLiteral<F> literal{Runtime::entries().stack_block_class,     kBlockHasCopyDispose, 0,
                            reinterpret_cast<void (*)()>(&invoke<F>), &kDescriptor<F>,      {}};
    const std::unique_ptr<F, void (*)(F*)> captured(new (literal.callable) F(std::move(callable)),
                                                    [](F* f) { std::destroy_at(f); });
    block_ = Runtime::entries().block_copy(&literal);
    if (!block_) throw Failure("_Block_copy gave null");
  }

  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() {
    if (block_) Runtime::entries().block_release(block_);
  }

  void* pointer() const { return block_; }

 private:
  template <class F>
  static void invoke(BlockLiteral<F>* literal, typename Abi<P>::Type... args) noexcept {
    const Pool pool;
    (*literal->get())(BlockArgument<P>::from(args)...);
  }
  template <class F>
  static void copy(void* to, const void* from) noexcept {
    auto* source = static_cast<BlockLiteral<F>*>(const_cast<void*>(from));
    new (static_cast<BlockLiteral<F>*>(to)->callable) F(*source->get());
  }
  template <class F>
  static void dispose(const void* literal) noexcept {
    std::destroy_at(static_cast<BlockLiteral<F>*>(const_cast<void*>(literal))->get());
  }
  template <class F>
  static constexpr BlockDescriptor kDescriptor{0, sizeof(BlockLiteral<F>), &copy<F>, &dispose<F>};

  void* block_ = nullptr;
};

template <class... P>
struct Abi<Block<void(P...)>> {
  using Type = void*;
  static void* to(const Block<void(P...)>& block) { return block.pointer(); }
};

}  // namespace apple::objc

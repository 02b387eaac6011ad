// What the executor's tests share: kernels made from text or from a library, buffers, dispatches.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/metal/air/make_executor.h"
#include "sim/metal/executor.h"

namespace metal_sim::air::test {

// The bytes of a metallib that holds one kernel, from LLVM assembly.
std::vector<std::byte> metallib_of(const std::string& kernel, const std::string& assembly);

// Bytes of an AIR module's head and of the metadata that every module has.
std::string air_module(const std::string& body, const std::string& metadata);

ConstantValue constant(uint32_t index, bool value);
ConstantValue constant(uint32_t index, int32_t value);

template <typename T>
T value_of(Outcome<T> outcome) {
  if (const auto* failure = std::get_if<Failure>(&outcome)) {
    throw std::runtime_error(failure->message);
  }
  return std::get<T>(std::move(outcome));
}

template <typename T>
Failure failure_of(const Outcome<T>& outcome) {
  const auto* failure = std::get_if<Failure>(&outcome);
  if (!failure) throw std::runtime_error("a failure was expected");
  return *failure;
}

// A dispatch in the making; checks are on.
class Call {
 public:
  Call() { dispatch_.checks = true; }

  template <typename T>
  Call& buffer(uint32_t index, std::span<T> data) {
    dispatch_.buffers[index] = {reinterpret_cast<std::byte*>(data.data()), data.size_bytes(),
                                false};
    return *this;
  }
  template <typename T>
  Call& buffer(uint32_t index, std::vector<T>& data) {
    return buffer(index, std::span<T>(data));
  }
  // Copied, as setBytes does.
  template <typename T>
  Call& bytes(uint32_t index, const T& value) {
    return bytes(index, std::span<const T>(&value, 1));
  }
  template <typename T>
  Call& bytes(uint32_t index, std::span<const T> values) {
    const auto raw = std::as_bytes(values);
    kept_.push_back(std::make_unique<std::vector<std::byte>>(raw.begin(), raw.end()));
    dispatch_.buffers[index] = {kept_.back()->data(), kept_.back()->size(), true};
    return *this;
  }
  Call& threadgroup_memory(uint32_t index, size_t size) {
    dispatch_.threadgroup_memory[index] = size;
    return *this;
  }
  Call& threads(Size3 grid, Size3 group) {
    dispatch_.grid = grid;
    dispatch_.threadgroup = group;
    return *this;
  }
  Call& groups(Size3 count, Size3 group) {
    return threads({count.x * group.x, count.y * group.y, count.z * group.z}, group);
  }
  Call& seed(uint64_t value) {
    dispatch_.seed = value;
    return *this;
  }
  Call& checks(bool on) {
    dispatch_.checks = on;
    return *this;
  }
  Outcome<std::monostate> run(Kernel& kernel) { return kernel.run(dispatch_); }

 private:
  Dispatch dispatch_;
  std::vector<std::unique_ptr<std::vector<std::byte>>> kept_;
};

// A kernel of a one-kernel library.
std::shared_ptr<Kernel> kernel_of(const std::string& name, const std::string& assembly,
                                  std::span<const ConstantValue> constants = {});

// mlx.metallib, where $PEWTER_MLX_METALLIB or the cache folder has it; null otherwise.
std::shared_ptr<KernelLibrary> load_mlx_library();
KernelLibrary* mlx_library();
std::filesystem::path mlx_folder();

std::vector<float> randoms(size_t count, uint64_t seed, float low = -1, float high = 1);
std::vector<uint16_t> to_half(const std::vector<float>& values);
std::vector<uint16_t> to_bfloat(const std::vector<float>& values);
std::vector<float> from_half(const std::vector<uint16_t>& values);
std::vector<float> from_bfloat(const std::vector<uint16_t>& values);

}  // namespace metal_sim::air::test

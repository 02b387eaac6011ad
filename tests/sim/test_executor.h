// An executor whose only kernel adds two float arrays, in C++, with bounds.
#pragma once

#include "sim/metal/executor.h"

namespace sim {

class AddKernel : public metal_sim::Kernel {
 public:
  AddKernel() {
    const char* names[] = {"a", "b", "c"};
    for (uint32_t i = 0; i < 3; ++i) {
      metal_sim::KernelArgument a;
      a.name = names[i];
      a.index = i;
      a.access = i < 2 ? metal_sim::BindingAccess::read : metal_sim::BindingAccess::write;
      info_.arguments.push_back(a);
    }
  }
  const metal_sim::KernelInfo& info() const override { return info_; }
  metal_sim::Outcome<std::monostate> run(const metal_sim::Dispatch& d) override {
    for (size_t i = 0; i < d.grid.count(); ++i) {
      for (int b = 0; b < 3; ++b) {
        if ((i + 1) * sizeof(float) > d.buffers[b].length) {
          return metal_sim::Failure{metal_sim::FailureKind::page_fault, "out of bounds"};
        }
      }
      const auto at = [&](int b) { return reinterpret_cast<float*>(d.buffers[b].data) + i; };
      *at(2) = *at(0) + *at(1);
    }
    return std::monostate{};
  }

 private:
  metal_sim::KernelInfo info_;
};

class AddLibrary : public metal_sim::KernelLibrary {
 public:
  std::vector<std::string> function_names() const override { return {"add"}; }
  metal_sim::Outcome<metal_sim::FunctionInfo> describe(std::string_view name) const override {
    if (name != "add")
      return metal_sim::Failure{metal_sim::FailureKind::function_not_found, "no such function"};
    metal_sim::FunctionInfo info;
    info.name = name;
    return info;
  }
  metal_sim::Outcome<std::shared_ptr<metal_sim::Kernel>> make_kernel(
      std::string_view, std::span<const metal_sim::ConstantValue>,
      const metal_sim::PipelineOptions&) override {
    return std::shared_ptr<metal_sim::Kernel>(std::make_shared<AddKernel>());
  }
};

class TestExecutor : public metal_sim::KernelExecutor {
 public:
  metal_sim::Outcome<std::shared_ptr<metal_sim::KernelLibrary>> load_metallib(
      std::span<const std::byte>) override {
    return std::shared_ptr<metal_sim::KernelLibrary>(std::make_shared<AddLibrary>());
  }
  metal_sim::Outcome<std::shared_ptr<metal_sim::KernelLibrary>> compile_source(
      std::string_view source, const metal_sim::CompileOptions&) override {
    if (source == "broken")
      return metal_sim::Failure{metal_sim::FailureKind::compile,
                                "program_source:1:1: error: broken"};
    return std::shared_ptr<metal_sim::KernelLibrary>(std::make_shared<AddLibrary>());
  }
};

}  // namespace sim

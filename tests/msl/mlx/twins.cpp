// A library in the place of Apple's for the tests in tests/air/mlx: each kernel is two, Apple's and
// the one that our front end makes of the headers. Every dispatch of a test runs on both from the
// same memory, and the bytes that they leave must be the same. What the tests compare with their
// references is our kernel's work.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>

#include "recipes.h"
#include "tests/msl/support.h"

namespace metal_sim::air::test {
namespace {

using msl::test::Recipe;

std::map<std::string, std::set<std::string>>& compared() {
  static std::map<std::string, std::set<std::string>> all;  // by family
  return all;
}

using Bytes = std::vector<std::byte>;

std::vector<Bytes> copy_of(const Dispatch& dispatch) {
  std::vector<Bytes> all;
  for (const auto& range : dispatch.buffers)
    all.emplace_back(range.data, range.data + range.length);
  return all;
}

void put_back(const Dispatch& dispatch, const std::vector<Bytes>& bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (!bytes[i].empty()) std::memcpy(dispatch.buffers[i].data, bytes[i].data(), bytes[i].size());
  }
}

class Twin final : public Kernel {
 public:
  Twin(std::string name, std::string family, std::shared_ptr<Kernel> apples,
       std::shared_ptr<Kernel> ours)
      : name_(std::move(name)),
        family_(std::move(family)),
        apples_(std::move(apples)),
        ours_(std::move(ours)) {}

  const KernelInfo& info() const override { return ours_->info(); }

  Outcome<std::monostate> run(const Dispatch& dispatch) override {
    const auto before = copy_of(dispatch);
    const auto theirs = apples_->run(dispatch);
    if (std::holds_alternative<Failure>(theirs)) return theirs;
    const auto wanted = copy_of(dispatch);
    put_back(dispatch, before);
    const auto outcome = ours_->run(dispatch);
    if (std::holds_alternative<Failure>(outcome)) return outcome;
    const auto got = copy_of(dispatch);
    for (size_t i = 0; i < got.size(); ++i) {
      const auto [x, y] = std::mismatch(got[i].begin(), got[i].end(), wanted[i].begin());
      if (x != got[i].end()) {
        return Failure{FailureKind::run_internal,
                       fmt::format("{}: buffer {} differs from Apple's at byte {}", name_, i,
                                   x - got[i].begin())};
      }
    }
    compared()[family_].insert(name_);
    return outcome;
  }

 private:
  std::string name_, family_;
  std::shared_ptr<Kernel> apples_, ours_;
};

class TwinLibrary final : public KernelLibrary {
 public:
  explicit TwinLibrary(std::shared_ptr<KernelLibrary> apples) : apples_(std::move(apples)) {}

  std::vector<std::string> function_names() const override { return apples_->function_names(); }
  Outcome<FunctionInfo> describe(std::string_view function) const override {
    return apples_->describe(function);
  }

  Outcome<std::shared_ptr<Kernel>> make_kernel(std::string_view function,
                                               std::span<const ConstantValue> constants,
                                               const PipelineOptions& options) override {
    const std::string name(function);
    const auto recipe = msl::test::recipe_for(name);
    if (!recipe) return Failure{FailureKind::function_not_found, name + " has no recipe"};
    auto apples = value_of(apples_->make_kernel(function, constants, options));
    CompileOptions own = msl::test::precise();
    own.language_version = 3u << 16 | 1;  // the library's
    const auto library =
        value_of(msl::test::executor().compile_source(source_of(*recipe, name), own));
    return std::shared_ptr<Kernel>(
        std::make_shared<Twin>(name, recipe->family, std::move(apples),
                               value_of(library->make_kernel(function, constants, options))));
  }

 private:
  std::shared_ptr<KernelLibrary> apples_;
};

// Run last: how many kernels of how many families had Apple's bits.
class Count : public testing::Environment {
 public:
  void TearDown() override {
    if (!mlx_library() || testing::GTEST_FLAG(filter)[0] != '-') return;  // not all were run
    size_t kernels = 0;
    for (const auto& [family, names] : compared()) {
      std::printf("same bits as Apple's: %zu of %s\n", names.size(), family.c_str());
      kernels += names.size();
    }
    EXPECT_GE(compared().size(), 14u);
    EXPECT_GE(kernels, 100u);
  }
};

const auto* const registered = testing::AddGlobalTestEnvironment(new Count);

}  // namespace

KernelLibrary* mlx_library() {
  static const std::shared_ptr<KernelLibrary> library = [] {
    auto apples = load_mlx_library();
    return apples ? std::make_shared<TwinLibrary>(std::move(apples)) : nullptr;
  }();
  return library.get();
}

}  // namespace metal_sim::air::test

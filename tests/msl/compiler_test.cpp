// The compiler around the language: messages, options, the folder of what was compiled.
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "sim/metal/msl/translate.h"
#include "support.h"

namespace metal_sim::msl::test {
namespace {

namespace fs = std::filesystem;
using Floats = std::vector<float>;

TEST(Compiler, ErrorsTellTheSourcesLineAndColumn) {
  const std::string source = std::string(kHead) +
                             "kernel void f(device float* out [[buffer(0)]],\n"
                             "              uint i [[thread_position_in_grid]]) {\n"
                             "  out[i] = nowhere_to_be_found;\n}\n";
  EXPECT_EQ(messages_of(source),
            "program_source:5:12: error: use of undeclared identifier 'nowhere_to_be_found'\n"
            "  out[i] = nowhere_to_be_found;\n           ^\n");
}

TEST(Compiler, ColumnsBehindAttributesAndTheQuotedLineAreTheSources) {
  const std::string line =
      "kernel void f(device float* o [[buffer(0)]], uint i [[threads_per_grid]], "
      "constant wrong& w [[buffer(1)]]) {}";
  const std::string messages = messages_of(kHead + line);
  const auto column = std::to_string(line.find("wrong") + 1);
  EXPECT_NE(messages.find("program_source:3:" + column + ": error: unknown type name 'wrong'\n" +
                          line + "\n"),
            std::string::npos)
      << messages;
}

TEST(Compiler, MessagesNameMetalsTypesAndSpaces) {
  const std::string messages = messages_of(
      std::string(kHead) +
      "kernel void f(device half* a, threadgroup half* b [[threadgroup(0)]]) { b = a; }");
  EXPECT_NE(messages.find("'device half *'"), std::string::npos) << messages;
  EXPECT_NE(messages.find("'threadgroup half *'"), std::string::npos) << messages;
  EXPECT_EQ(messages.find("__"), std::string::npos) << messages;
}

TEST(Compiler, SeveralErrorsInOneMessage) {
  const std::string messages = messages_of("#include <nothing>\nint x = ;\n");
  EXPECT_NE(messages.find("program_source:1:10: fatal error: 'nothing' file not found"),
            std::string::npos)
      << messages;
  const std::string two = messages_of("int x = a;\nint y = b;\n");
  EXPECT_NE(two.find("program_source:1:9: error:"), std::string::npos) << two;
  EXPECT_NE(two.find("program_source:2:9: error:"), std::string::npos) << two;
}

TEST(Compiler, FilesOfTheProgramsFolderAreNotFound) {
  const std::string name = "local_" + std::to_string(getpid()) + ".h";
  std::ofstream(name) << "\n";
  EXPECT_NE(messages_of("#include \"" + name + "\"\n").find("file not found"), std::string::npos);
  fs::remove(name);
}

TEST(Compiler, WithoutAFolderNothingIsKept) {
  const auto own = air::make_executor({});
  const auto library = value_of(own->compile_source("kernel void f(device int* x) {}", precise()));
  EXPECT_EQ(library->function_names(), std::vector<std::string>{"f"});
}

TEST(Compiler, ParametersWithoutAMeaningAreErrors) {
  const std::string messages = messages_of(std::string(kHead) + "kernel void f(uint lost) {}");
  EXPECT_EQ(
      messages,
      "program_source: error: kernel 'f', parameter 'lost': it is neither a buffer nor has it "
      "an attribute known here");
  EXPECT_NE(messages_of("kernel void f(float g [[thread_position_in_grid]]) {}")
                .find("[[thread_position_in_grid]] cannot be of type 'float'"),
            std::string::npos);
}

TEST(Compiler, WarningsOfASourceThatPassesAreKept) {
  CompileOptions options = precise();
  options.macros["UNIQUE_TO_THIS_TEST"] = "1";
  const std::string source = "kernel void f(device int* out) { if (out[0] = 1) out[1] = 2; }";
  for (int i = 0; i < 2; ++i) {  // compiled, and from the folder
    const auto library = library_of(source, options);
    EXPECT_NE(library->warnings().find("program_source:1:"), std::string::npos)
        << library->warnings();
  }
}

TEST(Compiler, FastMathematicsMaySimplify) {
  const std::string source =
      std::string(kHead) + "kernel void f(device float* x) { x[1] = (x[0] + 1e20f) - 1e20f; }";
  const auto run = [&](const CompileOptions& options) {
    Floats x = {1, -1};
    value_of(Call().buffer(0, x).threads({1}, {1}).run(*kernel_of(source, "f", {}, options)));
    return x[1];
  };
  EXPECT_EQ(run(precise()), 0);
  EXPECT_EQ(run(CompileOptions()), 1);
}

TEST(Compiler, PragmaContractIsObeyed) {
  const std::string head = "kernel void f(device float* x) {\n";
  const std::string body = "  x[1] = x[0] * x[0] - x[2];\n}\n";
  const auto run = [&](const std::string& source) {
    Floats x = {1 + 0x1p-12f, 0, 1 + 0x1p-11f};
    value_of(Call().buffer(0, x).threads({1}, {1}).run(*kernel_of(source, "f")));
    return x[1];
  };
  EXPECT_EQ(run(head + body), 0x1p-24f);
  EXPECT_EQ(run(head + "#pragma METAL fp contract(off)\n" + body), 0);
}

// An executor with a folder of its own.
class Folder : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    executor_ = air::make_executor({folder_});
  }
  void TearDown() override { fs::remove_all(folder_); }
  size_t entries() const {
    size_t count = 0;
    for (const auto& item : fs::directory_iterator(folder_)) count += item.is_regular_file();
    return count;
  }
  const fs::path folder_ =
      fs::temp_directory_path() / ("msl-test-" + std::to_string(getpid()) + "-" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  std::unique_ptr<KernelExecutor> executor_;
};

constexpr char kSmall[] = "kernel void f(device int* out) { out[0] = 42; }";

TEST_F(Folder, ASourceIsCompiledOnce) {
  const auto compile = [&](const std::string& source, const CompileOptions& options = precise()) {
    return value_of(executor_->compile_source(source, options))->function_names();
  };
  EXPECT_EQ(compile(kSmall), std::vector<std::string>{"f"});
  EXPECT_EQ(entries(), 1u);
  // A compiler that fails shows that it is not asked again.
  setenv("METAL_SIM_CLANG", "/bin/false", 1);
  EXPECT_EQ(failure_of(executor_->compile_source(kSmall, precise())).kind, FailureKind::internal);
  unsetenv("METAL_SIM_CLANG");
  EXPECT_EQ(compile(kSmall), std::vector<std::string>{"f"});
  EXPECT_EQ(entries(), 1u);
  compile(std::string(kSmall) + "\n");
  EXPECT_EQ(entries(), 2u);
  CompileOptions other = precise();
  other.macros["A"] = "1";
  compile(kSmall, other);
  EXPECT_EQ(entries(), 3u);
  compile(kSmall, CompileOptions());
  EXPECT_EQ(entries(), 4u);
}

TEST_F(Folder, DamagedEntriesAreMadeAnew) {
  value_of(executor_->compile_source(kSmall, precise()));
  for (const auto& item : fs::directory_iterator(folder_)) {
    if (item.is_regular_file()) std::ofstream(item.path(), std::ios::app) << "x";
  }
  EXPECT_EQ(value_of(executor_->compile_source(kSmall, precise()))->function_names().size(), 1u);
}

TEST_F(Folder, ManyMayWriteAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> passed = 0;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      const auto own = air::make_executor({folder_});
      const std::string source = std::string(kSmall) + (i % 2 ? "\n" : "");
      const auto outcome = own->compile_source(source, precise());
      passed += std::holds_alternative<std::shared_ptr<KernelLibrary>>(outcome);
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(passed, 6);
  EXPECT_EQ(entries(), 2u);
  for (const auto& item : fs::recursive_directory_iterator(folder_)) {
    EXPECT_EQ(item.path().filename().string().find("." + std::to_string(getpid()) + "."),
              std::string::npos)
        << "left behind";
  }
}

TEST(Checked, AccessesBehindABufferNameTheArgument) {
  const std::string source =
      "kernel void past(device int* values, uint i "
      "[[thread_position_in_grid]]) {\n  values[i + 1] = 1;\n}";
  std::vector<int32_t> values(4);
  const Failure failure =
      failure_of(Call().buffer(0, values).threads({4}, {4}).run(*kernel_of(source, "past")));
  EXPECT_EQ(failure.kind, FailureKind::page_fault);
  EXPECT_NE(failure.message.find("[past]"), std::string::npos) << failure.message;
  EXPECT_NE(failure.message.find("buffer 0 'values'"), std::string::npos) << failure.message;
  EXPECT_NE(failure.message.find(", line 2"), std::string::npos) << failure.message;
}

TEST(Checked, ThreadgroupMemoryReadBeforeItIsWrittenAndRaces) {
  const std::string head =
      "#include <metal_stdlib>\nusing namespace metal;\nkernel void f(device "
      "int* out, uint i [[thread_position_in_threadgroup]]) {\n  threadgroup "
      "int shared_sums[32];\n";
  const auto run = [&](const std::string& body) {
    std::vector<int32_t> out(32);
    return failure_of(Call().buffer(0, out).threads({32}, {32}).run(*kernel_of(head + body, "f")))
        .message;
  };
  const std::string unwritten =
      run("  if (out[i] > 0) shared_sums[i] = 1;\n  out[i] = shared_sums[i];\n}");
  EXPECT_NE(unwritten.find("shared_sums"), std::string::npos) << unwritten;
  const std::string race = run("  shared_sums[i] = 1;\n  out[i] = shared_sums[31 - i];\n}");
  EXPECT_NE(race.find("shared_sums"), std::string::npos) << race;
  EXPECT_NE(race.find(", line 6"), std::string::npos) << race;
}

TEST(Translate, KeepsLinesAndColumns) {
  const std::string source =
      "kernel void f(device int* a [[buffer(0)]], // [[buffer(9)]]\n"
      "  uint2 t [[thread_position_in_grid]], int b [[maybe_unused]]) {\n"
      "  threadgroup float x[4]; threadgroup float* p = x; constant float c = 1.0H;\n"
      "  const char* s = \"[[buffer(1)]]\"; }\n"
      "void g(constant int n[4], device int (*q)[2]);\n"
      "struct S { void m() const thread { } void m() const device { } };\n";
  const std::string wanted =
      "kernel void f(device int* a _Mbuffer(0)  , // [[buffer(9)]]\n"
      "  uint2 t _Mthread_position_in_grid  , int b [[maybe_unused]]) {\n"
      "  _Mthreadgrp float x[4]; threadgroup float* p = x; _Mconst_ float c = 1.0h;\n"
      "  const char* s = \"[[buffer(1)]]\"; }\n"
      "void g(constant int*n   , device int (*q)[2]);\n"
      "struct S { void m() const        { }                           };\n";
  EXPECT_EQ(translate(source), wanted);
}

}  // namespace
}  // namespace metal_sim::msl::test

// See clang.h. All headers are one precompiled file a set of options, made when first wanted; a
// kernel compiles in a tenth of a second then. Files are written beside their place and renamed.
#include "clang.h"

#include <fmt/format.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/SHA256.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>

#include "../air/error.h"
#include "embedded_headers.h"
#include "process.h"

namespace metal_sim::msl {
namespace fs = std::filesystem;
namespace {

using air::fail;

std::string digest(const std::string& bytes) {
  llvm::SHA256 hash;
  hash.update(bytes);
  return llvm::toHex(hash.final(), true).substr(0, 24);
}

const std::string& digest_of_headers() {
  static const std::string value = [] {
    std::string all;
    for (const auto& [name, text] : msl_headers()) all.append(name).append("\n").append(text);
    return digest(all);
  }();
  return value;
}

fs::path search_path(const std::string& name) {
  const char* variable = std::getenv("PATH");
  std::string_view all = variable ? variable : "";
  while (!all.empty()) {
    const size_t end = std::min(all.find(':'), all.size());
    const fs::path candidate = fs::path(all.substr(0, end)) / name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    all.remove_prefix(std::min(end + 1, all.size()));
  }
  return {};
}

// $METAL_SIM_CLANG, what was there when this was built, or clang-19 in the path.
fs::path find_clang() {
  if (const char* given = std::getenv("METAL_SIM_CLANG")) return given;
  if (access(PEWTER_CLANG, X_OK) == 0) return PEWTER_CLANG;
  const fs::path found = search_path("clang-19");
  if (found.empty()) {
    fail(
        FailureKind::unsupported,
        "clang-19 is not installed: Metal source cannot be compiled (METAL_SIM_CLANG names another "
        "place)");
  }
  return found;
}

// The host's target has the sizes and alignments that Metal's types have, and no spaces in its
// code; those come back in lower.cpp. SYCL asks a second target about bfloat.
std::vector<std::string> base_flags() {
  return {"-cc1",
          "-std=c++17",
          "-fsycl-is-device",
          "-triple",
          "x86_64-unknown-linux-gnu",
          "-aux-triple",
          "x86_64-unknown-linux-gnu",
          "-nostdsysteminc",
          "-nobuiltininc",
          "-fdeclspec",
          "-fno-rtti",
          "-fno-threadsafe-statics",
          "-relaxed-aliasing",
          "-cl-single-precision-constant",
          "-debug-info-kind=line-tables-only",
          "-fdebug-compilation-dir=.",
          "-ffloat16-excess-precision=none",
          "-fbfloat16-excess-precision=none",
          "-O1",
          "-ferror-limit",
          "50",
          "-fno-diagnostics-show-line-numbers",
          "-Wno-c++20-extensions",
          "-Wno-duplicate-decl-specifier",
          "-Wno-user-defined-literals",
          "-Wno-unknown-pragmas",
          "-Wno-psabi",
          "-Wno-unused-value",
          "-Wno-pass-failed"};
}

std::vector<std::string> math_flags(const CompileOptions& options) {
  std::vector<std::string> flags;
  if (options.math_mode == 0) {
    flags = {"-ffp-contract=on"};
  } else {
    flags = {"-ffp-contract=fast", "-fno-signed-zeros", "-mreassociate", "-freciprocal-math",
             "-fapprox-func"};
    if (options.math_mode == 2) {
      flags.insert(flags.end(),
                   {"-menable-no-infs", "-menable-no-nans", "-ffinite-math-only", "-ffast-math"});
    }
  }
  if (options.math_functions == 0) flags.push_back("-D__MSL_FAST_FUNCTIONS__=1");
  return flags;
}

std::string version_macro(uint32_t version) {
  if (version == 0) version = 3u << 16 | 2;
  return fmt::format("#define __METAL_VERSION__ {}\n", (version >> 16) * 100 + (version & 15) * 10);
}

std::string prelude(const CompileOptions& options) {
  std::string text = version_macro(options.language_version);
  for (const auto& [name, value] : options.macros) {
    text += fmt::format("#define {} {}\n", name, value);
  }
  return text + "# 1 \"program_source\"\n";
}

void write_file(const fs::path& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (!out.flush()) fail(FailureKind::internal, "{} cannot be written", path.string());
}

std::string unique_suffix() {
  static std::atomic<unsigned> serial{0};
  return fmt::format(".{}.{}", getpid(), serial++);
}

// Whoever comes second finds the place taken and drops what it made.
void put_in_place(const fs::path& draft, const fs::path& place) {
  std::error_code problem;
  fs::rename(draft, place, problem);
  if (problem && !fs::exists(place)) {
    fail(FailureKind::internal, "{}: {}", place.string(), problem.message());
  }
  fs::remove_all(draft, problem);
}

void write_headers(const fs::path& place) {
  if (fs::exists(place)) return;
  const fs::path draft = place.string() + unique_suffix();
  for (const auto& [name, text] : msl_headers()) {
    const fs::path path = draft / name;
    fs::create_directories(path.parent_path());
    write_file(path, text);
  }
  put_in_place(draft, place);
}

// Among the headers, so that a source finds no file of the program's own folder: what it finds
// would have to be a part of the key under which the result is kept.
ProcessResult run_clang(const std::vector<std::string>& flags, const std::string& input,
                        const fs::path& headers) {
  std::vector<std::string> arguments = {find_clang().string()};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return run_process(arguments, input, headers.string());
}

bool passed(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

}  // namespace

fs::path Clang::headers() const { return folder_ / ("headers-" + digest_of_headers()); }

std::string Clang::identity() const {
  const fs::path program = fs::canonical(find_clang());
  return fmt::format("{} {} {} {}", program.string(), fs::file_size(program),
                     fs::last_write_time(program).time_since_epoch().count(), digest_of_headers());
}

fs::path Clang::prefix(const std::vector<std::string>& flags) const {
  std::string key = identity();
  for (const auto& flag : flags) key += " " + flag;
  const fs::path place = folder_ / (digest(key) + ".pch");
  if (fs::exists(place)) return place;
  fs::create_directories(folder_);
  write_headers(headers());
  const fs::path draft = place.string() + unique_suffix();
  auto arguments = flags;
  arguments.insert(arguments.end(), {"-x", "c++-header", "-emit-pch", "-o", draft.string(),
                                     (headers() / "msl.h").string()});
  const ProcessResult made = run_clang(arguments, "", headers());
  if (!passed(made.status)) fail(FailureKind::internal, "metal_stdlib: {}", made.errors);
  put_in_place(draft, place);
  return place;
}

ClangResult Clang::compile(const std::string& source, const CompileOptions& options) const {
  auto flags = base_flags();
  const auto math = math_flags(options);
  flags.insert(flags.end(), math.begin(), math.end());
  const fs::path precompiled = prefix(flags);
  flags.insert(flags.end(),
               {"-include-pch", precompiled.string(), "-fno-validate-pch", "-I", headers().string(),
                "-disable-llvm-passes", "-emit-llvm-bc", "-x", "c++", "-o", "-", "-"});
  ProcessResult run = run_clang(flags, prelude(options) + source, headers());
  ClangResult result;
  result.passed = passed(run.status);
  result.output = std::move(run.output);
  result.messages = std::move(run.errors);
  if (WIFSIGNALED(run.status) || (WIFEXITED(run.status) && WEXITSTATUS(run.status) > 1)) {
    result.messages = "program_source: error: the compiler crashed\n" + result.messages;
  }
  return result;
}

}  // namespace metal_sim::msl

// See compiler.h.
#include "compiler.h"

#include <fmt/format.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/SHA256.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../air/cache.h"
#include "../air/error.h"
#include "clang.h"
#include "diagnostics.h"
#include "lower.h"
#include "pack.h"
#include "translate.h"

namespace metal_sim::msl {
namespace fs = std::filesystem;
namespace {

std::string key(std::string_view source, const CompileOptions& options, const Clang& clang) {
  llvm::SHA256 hash;
  const auto add = [&](std::string_view text) {
    const std::string size = std::to_string(text.size()) + ":";
    hash.update(llvm::StringRef(size));
    hash.update(llvm::StringRef(text.data(), text.size()));
  };
  add("msl " PEWTER_MSL_BUILD);
  add(clang.identity());
  add(source);
  for (const auto& [name, value] : options.macros) {
    add(name);
    add(value);
  }
  add(fmt::format("{} {} {} {}", options.language_version, options.math_mode,
                  options.math_functions, options.max_total_threads));
  return llvm::toHex(hash.final(), true);
}

// Length of the warnings, warnings, metallib.
std::string joined(const Compiled& c) {
  return std::to_string(c.warnings.size()) + "\n" + c.warnings + c.metallib;
}

Compiled taken_apart(const std::string& bytes) {
  const size_t line = bytes.find('\n');
  const size_t size = std::stoul(bytes.substr(0, line));
  return {bytes.substr(line + 1 + size), bytes.substr(line + 1, size)};
}

Compiled compile_now(std::string_view source, const CompileOptions& options, const Clang& clang) {
  const ClangResult result = clang.compile(translate(source), options);
  const std::string messages = readable(result.messages, source, clang.headers().string());
  if (!result.passed) throw air::Error(FailureKind::compile, messages);
  return {pack_metallib(lower(result.output, options.max_total_threads)), messages};
}

// What lies there is read by the compiler, so nobody else may write there.
fs::path temporary_folder() {
  const fs::path folder = fs::temp_directory_path() / fmt::format("pewter-msl-{}", getuid());
  mkdir(folder.c_str(), 0700);
  struct stat found {};
  if (lstat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode) || found.st_uid != getuid() ||
      (found.st_mode & 022)) {
    air::fail(FailureKind::internal, "{} is not a folder of this user's alone", folder.string());
  }
  return folder;
}

fs::path folder_of(const air::ObjectCache& cache) {
  return cache.folder.empty() ? temporary_folder() : cache.folder / "msl";
}

}  // namespace

Compiled compile(std::string_view source, const CompileOptions& options,
                 const air::ObjectCache& cache) {
  const Clang clang(folder_of(cache));
  const std::string name = key(source, options, clang);
  const std::string known = air::load_object(cache, name);
  if (!known.empty()) return taken_apart(known);
  const Compiled made = compile_now(source, options, clang);
  air::store_object(cache, name, joined(made));
  return made;
}

}  // namespace metal_sim::msl

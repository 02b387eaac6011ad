// The compiler, clang 19 as a program of the distribution: a crash of it is an error of one
// library and not of the process, and its headers and libraries are needed by nobody else. It runs
// as `clang -cc1` on standard input, in its mode for SYCL devices, whose address spaces convert to
// plain pointers as Metal's headers need it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "../executor.h"

namespace metal_sim::msl {

struct ClangResult {
  bool passed = false;
  std::string output;    // bitcode
  std::string messages;  // what it printed
};

class Clang {
 public:
  // `folder` keeps the headers and what is made of them; it is made when needed.
  explicit Clang(std::filesystem::path folder) : folder_(std::filesystem::absolute(folder)) {}

  // Path, size and date of the program and the digest of the headers: what a result depends on.
  // Throws air::Error where there is no clang.
  std::string identity() const;
  ClangResult compile(const std::string& source, const CompileOptions& options) const;
  // Where messages show the headers' own paths.
  std::filesystem::path headers() const;

 private:
  std::filesystem::path prefix(const std::vector<std::string>& flags) const;
  std::filesystem::path folder_;
};

}  // namespace metal_sim::msl

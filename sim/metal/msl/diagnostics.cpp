// See diagnostics.h. Columns fit because translate.cpp keeps them.
#include "diagnostics.h"

#include <regex>
#include <vector>

namespace metal_sim::msl {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string with_metal_names(std::string line) {
  for (const auto& [from, to] : {std::pair{"const __global_host ", "constant "},
                                 {"__global_host ", "constant "},
                                 {"__global ", "device "},
                                 {"__local ", "threadgroup "},
                                 {"_Float16", "half"},
                                 {"__bf16", "bfloat"}}) {
    replace_all(line, from, to);
  }
  return line;
}

}  // namespace

std::string readable(const std::string& messages, std::string_view source,
                     const std::string& headers) {
  static const std::regex kHead("program_source:([0-9]+):[0-9]+: .*");
  static const std::regex kCount(
      "[0-9]+ (error|warning)s?( and [0-9]+ (error|warning)s?)? generated\\.");
  const auto own = lines_of(source);
  std::string result;
  size_t quoted = 0;  // the line of the source that the next line shows
  for (std::string line : lines_of(messages)) {
    std::smatch match;
    if (std::regex_match(line, kCount)) continue;
    if (line.starts_with("PLEASE submit") || line.starts_with("Stack dump")) break;
    if (std::regex_match(line, match, kHead)) {
      quoted = std::stoul(match[1]);
    } else {
      if (quoted > 0 && quoted <= own.size() && line.find('^') == std::string::npos) {
        line = own[quoted - 1];
      }
      quoted = 0;
    }
    replace_all(line, headers + "/", "");
    result += with_metal_names(line) + "\n";
  }
  return result;
}

}  // namespace metal_sim::msl

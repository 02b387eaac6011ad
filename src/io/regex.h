// A regular expression from a file, matched against whole strings (Python's re.fullmatch), with
// limits on its size and on the steps it may take.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace pewter::io {

class Regex {
 public:
  // `where` is for messages: file and field. Throws ErrorCode::format for a bad pattern.
  Regex(std::string_view where, std::string_view pattern);

  // Throws ErrorCode::format where the pattern exceeds its steps on this text.
  bool matches_all(std::string_view text) const;

 private:
  std::string where_;
  std::shared_ptr<const void> code_;
};

}  // namespace pewter::io

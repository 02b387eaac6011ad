// Chat templates: the subset of Jinja2 that language models' templates use, with whitespace control
// as transformers sets it (trim_blocks, lstrip_blocks). What is not supported is an error that names
// the construct and its line, never silence.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace pewter::io {

struct Message {
  std::string role;
  std::string content;
};

class ChatTemplate {
 public:
  // Parses. Throws ErrorCode::format with the line. bos and eos are what bos_token and eos_token
  // stand for.
  ChatTemplate(std::string_view source, std::string bos, std::string eos);

  // Throws ErrorCode::format when the template raises an exception (its message) or does not end
  // within a bounded number of steps.
  std::string render(const std::vector<Message>& messages, bool add_generation_prompt) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace pewter::io

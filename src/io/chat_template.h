// Chat templates: the Jinja text a model carries, which turns a conversation into its prompt. This
// is a small interpreter of the part of Jinja 2 that such templates use, with the environment of
// transformers' apply_chat_template: trim_blocks, lstrip_blocks, break and continue,
// raise_exception, tojson; `tools` and `documents` are none. strftime_now is not defined, so that
// templates fall back to their fixed date and a prompt is the same every day.
//
// A template is untrusted: nesting, size, steps and the amount of text it makes are limited.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pewter::io {

struct Message {
  std::string role;
  std::string content;
};

namespace jinja {
struct Template;
}

// Immutable; copies share the parsed template.
class ChatTemplate {
 public:
  // Throws ErrorCode::format with construct and line for what is not Jinja or not supported here.
  // `bos` and `eos` are the texts of bos_token and eos_token; an empty one is not defined.
  ChatTemplate(std::string_view source, std::string bos, std::string eos);

  // Throws ErrorCode::argument where the template itself refuses the conversation
  // (raise_exception), ErrorCode::format for everything else that goes wrong in it.
  std::string render(const std::vector<Message>& messages, bool add_generation_prompt) const;

 private:
  std::shared_ptr<const jinja::Template> template_;
  std::string bos_, eos_;
};

}  // namespace pewter::io

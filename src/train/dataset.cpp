#include "train/dataset.h"

#include <algorithm>
#include <array>

#include "io/json_file.h"
#include "train/hash.h"

namespace pewter {
namespace {

constexpr std::array<std::string_view, 3> kRoles = {"system", "user", "assistant"};

// An answer of nothing teaches to say nothing, and is far more often a fault of the data.
void need_text(const io::JsonView& answer) {
  if (answer.string().empty()) answer.fail("expected some text");
}

std::vector<ChatMessage> parse_messages(const io::JsonView& list) {
  std::vector<ChatMessage> messages;
  for (const io::JsonView& message : list.elements()) {
    const io::JsonView role = message.at("role");
    if (std::find(kRoles.begin(), kRoles.end(), role.string()) == kRoles.end()) {
      role.fail("expected system, user or assistant");
    }
    const io::JsonView content = message.at("content");
    if (role.string() == "assistant") need_text(content);
    messages.push_back({std::string(role.string()), std::string(content.string())});
  }
  if (messages.empty()) list.fail("expected at least one message");
  return messages;
}

Example parse_example(size_t line, const io::JsonView& value) {
  Example example;
  example.line = static_cast<int64_t>(line);
  if (const auto messages = value.find("messages")) {
    example.kind = Example::Kind::chat;
    example.messages = parse_messages(*messages);
    return example;
  }
  const auto text = value.find("text");
  const auto prompt = value.find("prompt"), completion = value.find("completion");
  if ((prompt && completion) || (!text && (prompt || completion))) {
    example.kind = Example::Kind::pair;
    example.prompt = value.at("prompt").string();
    need_text(value.at("completion"));
    example.completion = value.at("completion").string();
    return example;
  }
  if (!text) value.fail("expected a field 'text', 'prompt' with 'completion', or 'messages'");
  example.completion = text->string();
  return example;
}

}  // namespace

bool has_answer(const Example& example) {
  if (example.kind != Example::Kind::chat) return example.kind == Example::Kind::pair;
  return std::ranges::any_of(example.messages, [](const auto& m) { return m.role == "assistant"; });
}

DatasetImpl parse_dataset(const io::FileBytes& file) {
  DatasetImpl data;
  data.name = file.name;
  data.hash = Hash().add(file.data).value();
  io::for_each_json_line(file, [&](size_t line, const io::JsonView& value) {
    data.examples.push_back(parse_example(line, value));
  });
  if (data.examples.empty()) {
    throw_error(ErrorCode::format, "[dataset] {}: no example in it", file.name);
  }
  return data;
}

Dataset Dataset::jsonl(const std::string& path) {
  return Dataset(std::make_shared<DatasetImpl>(parse_dataset(io::map_file(path))));
}

int64_t Dataset::size() const { return static_cast<int64_t>(impl_->examples.size()); }

}  // namespace pewter

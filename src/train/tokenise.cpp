#include "train/tokenise.h"

#include <algorithm>
#include <numeric>

#include "model/model_impl.h"
#include "train/hash.h"

namespace pewter {
namespace {

const io::Tokenizer& tokenizer_of(const Model& model) { return model.impl().files.tokenizer(); }

void append(Document* to, std::span<const int32_t> ids, bool counted) {
  to->ids.insert(to->ids.end(), ids.begin(), ids.end());
  to->counted.insert(to->counted.end(), ids.size(), counted ? 1 : 0);
}

bool ends_generation(const io::Tokenizer& tokenizer, int32_t id) {
  const auto& ends = tokenizer.end_of_generation();
  return std::find(ends.begin(), ends.end(), id) != ends.end();
}

// What the template writes after an answer, up to and with the token that ends a turn; the blank
// lines some templates add after it belong to the next turn. Empty if there is no such token.
std::vector<int32_t> find_turn_end(const Model& model) {
  const std::string mark = "pewter";
  const std::string all = model.chat_prompt({{"user", "a"}, {"assistant", mark}}, false);
  const size_t at = all.rfind(mark);
  if (at == std::string::npos) return {};
  const io::Tokenizer& tokenizer = tokenizer_of(model);
  std::vector<int32_t> ids =
      tokenizer.encode(std::string_view(all).substr(at + mark.size()), {.parse_special = true});
  const auto end = std::find_if(ids.begin(), ids.end(),
                                [&](int32_t id) { return ends_generation(tokenizer, id); });
  if (end == ids.end()) return {};
  ids.erase(end + 1, ids.end());
  return ids;
}

// Runs `make`, putting file and line before what the template has to say.
template <typename F>
auto at_line(const DatasetImpl& data, const Example& example, F&& make) {
  try {
    return make();
  } catch (const Error& e) {
    // A conversation that the template refuses is a fault of the file, not of an argument.
    const ErrorCode code = e.code() == ErrorCode::argument ? ErrorCode::format : e.code();
    throw Error(code, fmt::format("[dataset] {}:{}: {}", data.name, example.line, e.what()));
  }
}

}  // namespace

int64_t Document::counted_tokens() const {
  return counted.empty() ? 0 : std::accumulate(counted.begin() + 1, counted.end(), int64_t{0});
}

Tokeniser::Tokeniser(const Model& model, bool raw) : model_(model) {
  const io::Tokenizer& tokenizer = tokenizer_of(model);
  if (tokenizer.eos()) {
    text_end_ = {*tokenizer.eos()};
  } else if (!tokenizer.end_of_generation().empty()) {
    text_end_ = {tokenizer.end_of_generation().front()};
  }
  templated_ = tokenizer.chat_template().has_value() && !raw;
  if (tokenizer.chat_template()) turn_end_ = find_turn_end(model);
  if (turn_end_.empty()) turn_end_ = text_end_;
  turn_end_text_ = tokenizer.decode(turn_end_);
}

std::vector<int32_t> Tokeniser::encode_answer(std::string_view text) const {
  return tokenizer_of(model_).encode(text, {.parse_special = false});
}

Document Tokeniser::text(const Example& example) const {
  Document document;
  append(&document, model_.encode(example.completion, false), true);
  append(&document, text_end_, true);
  return document;
}

Document Tokeniser::pair(const Example& example) const {
  Document document;
  append(&document, model_.encode(example.prompt), false);
  append(&document, encode_answer(example.completion), true);
  append(&document, text_end_, true);
  return document;
}

// The answer as the template writes it: some trim blanks.
std::string Tokeniser::answer_text(const std::vector<ChatMessage>& messages, size_t turn,
                                   const std::string& prompt) const {
  const std::string all =
      model_.chat_prompt({messages.begin(), messages.begin() + turn + 1}, false);
  if (all.starts_with(prompt) && !turn_end_text_.empty()) {
    const size_t end = all.rfind(turn_end_text_);
    if (end != std::string::npos && end >= prompt.size()) {
      return all.substr(prompt.size(), end - prompt.size());
    }
  }
  return messages[turn].content;
}

// Turn by turn. Where the template writes earlier turns differently once there are later ones
// (dropping their reasoning, say) the document begins anew: only what the model will see counts.
Document Tokeniser::chat(const std::vector<ChatMessage>& messages) const {
  Document document;
  std::string so_far;
  for (size_t turn = 0; turn < messages.size(); ++turn) {
    if (messages[turn].role != "assistant") continue;
    const std::string prompt =
        model_.chat_prompt({messages.begin(), messages.begin() + turn}, true);
    if (!prompt.starts_with(so_far)) {
      document = {};
      so_far.clear();
    }
    const std::string_view fresh = std::string_view(prompt).substr(so_far.size());
    append(&document,
           so_far.empty() ? model_.encode(fresh)
                          : tokenizer_of(model_).encode(fresh, {.parse_special = true}),
           false);
    const std::string answer = answer_text(messages, turn, prompt);
    append(&document, encode_answer(answer), true);
    append(&document, turn_end_, true);
    so_far = prompt + answer + turn_end_text_;
  }
  return document;
}

std::vector<ChatMessage> Tokeniser::messages_of(const Example& example) const {
  if (example.kind == Example::Kind::chat) return example.messages;
  return {{"user", example.prompt}, {"assistant", example.completion}};
}

Document Tokeniser::document(const DatasetImpl& data, const Example& example) const {
  return at_line(data, example, [&] {
    if (example.kind == Example::Kind::text) return text(example);
    if (example.kind == Example::Kind::pair && !templated_) return pair(example);
    return chat(messages_of(example));
  });
}

std::optional<Question> Tokeniser::question(const DatasetImpl& data, const Example& example) const {
  return at_line(data, example, [&]() -> std::optional<Question> {
    if (example.kind == Example::Kind::text) return std::nullopt;
    if (example.kind == Example::Kind::pair && !templated_) {
      return Question{example.prompt, example.completion, model_.encode(example.prompt)};
    }
    std::vector<ChatMessage> messages = messages_of(example);
    while (!messages.empty() && messages.back().role != "assistant") messages.pop_back();
    if (messages.empty()) return std::nullopt;
    Question question;
    question.expected = messages.back().content;
    messages.pop_back();
    if (!messages.empty()) question.prompt = messages.back().content;
    question.prompt_ids = model_.encode(model_.chat_prompt(messages, true));
    return question;
  });
}

Documents tokenise(const Model& model, const DatasetImpl& data, int64_t seq_len, bool raw) {
  const Tokeniser tokeniser(model, raw);
  Documents out;
  Hash hash;
  for (size_t i = 0; i < data.examples.size(); ++i) {
    Document document = tokeniser.document(data, data.examples[i]);
    if (document.size() > seq_len) {
      ++out.cut;
      document.ids.resize(static_cast<size_t>(seq_len));
      document.counted.resize(static_cast<size_t>(seq_len));
    }
    if (document.counted_tokens() == 0) {
      ++out.dropped;
      continue;
    }
    document.example = static_cast<int64_t>(i);
    hash.add_values(std::span<const int32_t>(document.ids));
    hash.add_values(std::span<const uint8_t>(document.counted));
    out.documents.push_back(std::move(document));
  }
  out.hash = hash.value();
  return out;
}

}  // namespace pewter

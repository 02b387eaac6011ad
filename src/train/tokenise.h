// From examples to tokens, so that what a model is trained on is what it meets in use: the prompt's
// tokens are those that generate() makes of chat_prompt(), the answer is encoded on its own and
// appended, and the end of a turn is the token that the model's template puts there.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "train/dataset.h"

namespace pewter {

struct Document {
  std::vector<int32_t> ids;
  std::vector<uint8_t> counted;  // of ids' size: whether the loss has a term for predicting it
  int64_t example = 0;           // which of the data set

  int64_t size() const { return static_cast<int64_t>(ids.size()); }
  // Terms of the loss. The first token is never predicted.
  int64_t counted_tokens() const;
};

// A prompt and the answer wanted, of examples that have them.
struct Question {
  std::string prompt;    // as the example has it: the prompt, or the last user's message
  std::string expected;  // the completion, or the last assistant's message
  std::vector<int32_t> prompt_ids;
};

class Tokeniser {
 public:
  // `raw`: prompt and completion as they are. `model` must outlive it.
  Tokeniser(const Model& model, bool raw);

  // Throws ErrorCode::format with file and line where the template refuses a conversation, or
  // where there are messages and the model has no template.
  Document document(const DatasetImpl& data, const Example& example) const;
  // Nothing for plain text and for conversations without an answer.
  std::optional<Question> question(const DatasetImpl& data, const Example& example) const;

 private:
  Document text(const Example& example) const;
  Document pair(const Example& example) const;
  Document chat(const std::vector<ChatMessage>& messages) const;
  std::string answer_text(const std::vector<ChatMessage>& messages, size_t turn,
                          const std::string& prompt) const;
  std::vector<int32_t> encode_answer(std::string_view text) const;
  std::vector<ChatMessage> messages_of(const Example& example) const;

  const Model& model_;
  bool templated_;                 // pairs go through the model's template
  std::vector<int32_t> turn_end_;  // after an answer in a conversation
  std::string turn_end_text_;
  std::vector<int32_t> text_end_;  // after a text of its own
};

struct Documents {
  std::vector<Document> documents;
  int64_t dropped = 0;  // examples without a counted token (after the cut)
  int64_t cut = 0;      // examples longer than seq_len
  uint64_t hash = 0;    // of all tokens and what counts
};
Documents tokenise(const Model& model, const DatasetImpl& data, int64_t seq_len, bool raw);

}  // namespace pewter

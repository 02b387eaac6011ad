// Examples as the file has them. Text is kept, not tokens: which tokens an example becomes is up to
// the model that trains on it (tokenise.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/mapped_file.h"
#include "pewter/train.h"

namespace pewter {

struct Example {
  enum class Kind { text, pair, chat };
  Kind kind = Kind::text;
  int64_t line = 0;                   // in the file, from 1
  std::string prompt;                 // pair
  std::string completion;             // pair; the whole of a text
  std::vector<ChatMessage> messages;  // chat
};

// Whether there is an answer to compare with.
bool has_answer(const Example& example);

struct DatasetImpl {
  std::string name;   // the path, for messages
  uint64_t hash = 0;  // of the file's bytes
  std::vector<Example> examples;
};

// The kind of a line is `messages`, else `prompt` and `completion`, else `text`; kinds may be mixed
// and other fields are ignored. Throws ErrorCode::format with file, line and field.
DatasetImpl parse_dataset(const io::FileBytes& file);

}  // namespace pewter

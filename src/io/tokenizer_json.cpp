// tokenizer.json of the `tokenizers` package: BPE models with a byte-level alphabet. Every part
// that would change ids and is not known here is refused by name.
#include <algorithm>

#include "io/json_file.h"
#include "io/tokenizer.h"
#include "io/tokenizer_parts.h"
#include "pewter/error.h"

namespace pewter::io {
namespace {

constexpr int64_t kMaxId = int64_t{1} << 30;

void refuse_unless_empty(const JsonView& model, std::string_view key) {
  const auto value = model.find(key);
  if (value && !value->string().empty()) value->fail("which is not supported");
}

void refuse_if_true(const JsonView& object, std::string_view key) {
  const auto value = object.find(key);
  if (value && value->boolean()) value->fail("which is not supported");
}

void read_vocabulary(const JsonView& model, TokenizerParts* parts) {
  const JsonView vocabulary = model.at("vocab");
  if (!vocabulary.is_object()) vocabulary.fail("expected an object");
  const auto size = vocabulary.json().size();
  for (const auto& [token, id] : vocabulary.json().items()) {
    // Ids may have holes (added tokens lie there), but no more of them than there are tokens.
    const int64_t at = JsonView(vocabulary.file(), id, "model.vocab['" + token.substr(0, 80) + "']")
                           .integer(0, static_cast<int64_t>(2 * size + 1024));
    if (static_cast<size_t>(at) >= parts->vocabulary.size())
      parts->vocabulary.resize(static_cast<size_t>(at) + 1);
    std::string& place = parts->vocabulary[static_cast<size_t>(at)];
    if (!place.empty())
      throw_error(ErrorCode::format, "[tokenizer] {}: tokens '{}' and '{}' share id {}",
                  parts->file, place.substr(0, 80), token.substr(0, 80), at);
    place = token;
  }
}

void read_merges(const JsonView& model, TokenizerParts* parts) {
  const JsonView merges = model.at("merges");
  if (!merges.is_array()) merges.fail("expected an array");
  parts->merges.reserve(merges.json().size());
  for (size_t rank = 0; rank < merges.json().size(); ++rank) {
    const Json& merge = merges.json()[rank];
    const auto fail = [&] {
      JsonView(merges.file(), merge, fmt::format("model.merges[{}]", rank)).fail("not two tokens");
    };
    if (merge.is_array()) {
      if (merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string()) fail();
      parts->merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
    } else {
      if (!merge.is_string()) fail();
      const auto& text = merge.get_ref<const std::string&>();
      const size_t space = text.find(' ');
      if (space == 0 || space == std::string::npos || space + 1 == text.size() ||
          text.find(' ', space + 1) != std::string::npos)
        fail();
      parts->merges.emplace_back(text.substr(0, space), text.substr(space + 1));
    }
  }
}

void read_model(const JsonView& model, TokenizerParts* parts) {
  if (const auto type = model.find("type"); type && type->string() != "BPE")
    type->fail("only BPE is supported");
  refuse_if_true(model, "byte_fallback");
  refuse_unless_empty(model, "continuing_subword_prefix");
  refuse_unless_empty(model, "end_of_word_suffix");
  if (const auto dropout = model.find("dropout"); dropout && dropout->number() != 0)
    dropout->fail("which is not supported");
  if (const auto unknown = model.find("unk_token"))
    parts->unknown_token = std::string(unknown->string());
  if (const auto fuse = model.find("fuse_unk")) parts->fuse_unknown = fuse->boolean();
  if (const auto ignore = model.find("ignore_merges")) parts->ignore_merges = ignore->boolean();
  read_vocabulary(model, parts);
  read_merges(model, parts);
}

void read_split(const JsonView& split, TokenizerParts* parts) {
  const JsonView pattern = split.at("pattern");
  SplitRule rule;
  if (const auto regex = pattern.find("Regex")) {
    rule.pattern = regex->string();
  } else {
    rule.pattern = pattern.at("String").string();
    rule.literal = true;
  }
  const JsonView behavior = split.at("behavior");
  const auto invert_field = split.find("invert");
  const bool invert = invert_field && invert_field->boolean();
  if (behavior.string() == "Removed" && invert) {
    rule.keep = SplitRule::Keep::matches;
  } else if (behavior.string() != "Isolated") {
    behavior.fail("only Isolated, and Removed with invert, are supported");
  }
  parts->rules.push_back(std::move(rule));
}

// Returns whether this part (or one inside it) maps bytes to the byte alphabet.
bool read_pre_tokenizer(const JsonView& part, TokenizerParts* parts) {
  const JsonView type = part.at("type");
  if (type.string() == "Sequence") {
    bool byte_level = false;
    for (const JsonView& inner : part.at("pretokenizers").elements()) {
      if (byte_level) inner.fail("which follows ByteLevel and is not supported there");
      byte_level = read_pre_tokenizer(inner, parts);
    }
    return byte_level;
  }
  if (type.string() == "ByteLevel") {
    refuse_if_true(part, "add_prefix_space");
    const auto use_regex = part.find("use_regex");
    if (!use_regex || use_regex->boolean()) parts->rules.push_back({kGpt2Pattern});
    return true;
  }
  if (type.string() == "Digits") {
    const auto individual = part.find("individual_digits");
    parts->rules.push_back({individual && individual->boolean() ? kDigitPattern : kDigitsPattern});
  } else if (type.string() == "Split") {
    read_split(part, parts);
  } else {
    type.fail("a pre-tokenizer that is not supported");
  }
  return false;
}

void read_normalizer(const JsonView& part, TokenizerParts* parts) {
  const JsonView type = part.at("type");
  if (type.string() == "NFC") {
    parts->nfc = true;
  } else if (type.string() == "Sequence") {
    for (const JsonView& inner : part.at("normalizers").elements()) read_normalizer(inner, parts);
  } else {
    type.fail("a normalizer that is not supported (NFC is)");
  }
}

void read_added_tokens(const JsonView& root, TokenizerParts* parts) {
  const auto added = root.find("added_tokens");
  if (!added) return;
  for (const JsonView& token : added->elements()) {
    AddedToken out;
    out.id = static_cast<int32_t>(token.at("id").integer(0, kMaxId));
    out.content = token.at("content").string();
    const auto flag = [&](std::string_view key) {
      const auto value = token.find(key);
      return value && value->boolean();
    };
    if (flag("single_word")) token.at("single_word").fail("which is not supported");
    out.special = flag("special");
    out.strip_left = flag("lstrip");
    out.strip_right = flag("rstrip");
    parts->added.push_back(std::move(out));
  }
}

std::optional<int32_t> find_id(const TokenizerParts& parts, std::string_view content) {
  for (const AddedToken& token : parts.added)
    if (token.content == content) return token.id;
  const auto found = std::ranges::find(parts.vocabulary, content);
  if (found == parts.vocabulary.end()) return std::nullopt;
  return static_cast<int32_t>(found - parts.vocabulary.begin());
}

// Whether the post-processor puts a token before the text, which one, and nothing else.
void read_post_processor(const JsonView& part, TokenizerParts* parts) {
  const JsonView type = part.at("type");
  if (type.string() == "ByteLevel") return;
  if (type.string() == "Sequence") {
    for (const JsonView& inner : part.at("processors").elements())
      read_post_processor(inner, parts);
    return;
  }
  if (type.string() != "TemplateProcessing") type.fail("a post-processor that is not supported");
  bool text_seen = false;
  for (const JsonView& piece : part.at("single").elements()) {
    if (piece.find("Sequence")) {
      text_seen = true;
      continue;
    }
    const JsonView token = piece.at("SpecialToken").at("id");
    const auto id = find_id(*parts, token.string());
    if (!id) token.fail("not in the vocabulary");
    if (text_seen || parts->add_bos) token.fail("only one token before the text is supported");
    parts->bos = id;
    parts->add_bos = true;
  }
}

// "bos_token": "<s>" or {"content": "<s>", ...}
std::optional<int32_t> read_token(const JsonView& config, std::string_view key,
                                  const TokenizerParts& parts) {
  const auto value = config.find(key);
  if (!value) return std::nullopt;
  const JsonView content = value->is_object() ? value->at("content") : *value;
  return find_id(parts, content.string());
}

void read_chat_template(const JsonView& config, TokenizerParts* parts) {
  const auto value = config.find("chat_template");
  if (!value) return;
  if (value->is_string()) {
    parts->chat_template = std::string(value->string());
    return;
  }
  for (const JsonView& entry : value->elements())
    if (entry.at("name").string() == "default")
      parts->chat_template = std::string(entry.at("template").string());
}

void read_tokenizer_config(const FileBytes& file, TokenizerParts* parts) {
  const Json json = parse_json(file.name, file.text());
  const JsonView config(file.name, json);
  if (const auto id = read_token(config, "bos_token", *parts)) parts->bos = id;
  if (const auto id = read_token(config, "eos_token", *parts)) parts->eos = id;
  if (const auto add = config.find("add_bos_token")) parts->add_bos = add->boolean();
  read_chat_template(config, parts);
}

// eos_token_id (one or several) and bos_token_id of generation_config.json or config.json.
void read_ids(const FileBytes& file, TokenizerParts* parts) {
  const Json json = parse_json(file.name, file.text());
  const JsonView config(file.name, json);
  if (const auto eos = config.find("eos_token_id")) {
    std::vector<JsonView> ids = eos->is_array() ? eos->elements() : std::vector{*eos};
    for (const JsonView& id : ids)
      parts->end_of_generation.push_back(static_cast<int32_t>(id.integer(0, kMaxId)));
    if (!parts->eos && !ids.empty()) parts->eos = parts->end_of_generation.back();
  }
  if (const auto bos = config.find("bos_token_id"); bos && !parts->bos && bos->is_integer())
    parts->bos = static_cast<int32_t>(bos->integer(0, kMaxId));
}

}  // namespace

Tokenizer Tokenizer::from_json(const FileBytes& tokenizer_json,
                               const std::optional<FileBytes>& tokenizer_config,
                               const std::optional<FileBytes>& generation_config,
                               const std::optional<FileBytes>& model_config,
                               const std::optional<FileBytes>& chat_template) {
  TokenizerParts parts;
  parts.file = tokenizer_json.name;
  const Json json = parse_json(tokenizer_json.name, tokenizer_json.text());
  const JsonView root(tokenizer_json.name, json);
  read_model(root.at("model"), &parts);
  read_added_tokens(root, &parts);
  if (const auto normalizer = root.find("normalizer")) read_normalizer(*normalizer, &parts);
  if (!read_pre_tokenizer(root.at("pre_tokenizer"), &parts))
    root.at("pre_tokenizer").at("type").fail("without ByteLevel, which is not supported");
  if (const auto post = root.find("post_processor")) read_post_processor(*post, &parts);
  if (tokenizer_config) read_tokenizer_config(*tokenizer_config, &parts);
  if (generation_config) read_ids(*generation_config, &parts);
  if (model_config) read_ids(*model_config, &parts);
  if (chat_template) parts.chat_template = std::string(chat_template->text());
  return Tokenizer(build_tokenizer(std::move(parts)));
}

Tokenizer Tokenizer::from_folder(const std::filesystem::path& folder) {
  const auto optional_file = [&](const char* name) -> std::optional<FileBytes> {
    std::error_code ignored;
    if (!std::filesystem::exists(folder / name, ignored)) return std::nullopt;
    return map_file(folder / name);
  };
  return from_json(map_file(folder / "tokenizer.json"), optional_file("tokenizer_config.json"),
                   optional_file("generation_config.json"), optional_file("config.json"),
                   optional_file("chat_template.jinja"));
}

}  // namespace pewter::io

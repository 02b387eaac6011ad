// A tokenizer written back as tokenizer.json and tokenizer_config.json, so that a model that came
// as GGUF can leave as a Hugging Face folder that `tokenizers` and transformers read alike.
#include <algorithm>

#include "io/json_file.h"
#include "io/tokenizer.h"
#include "io/tokenizer_parts.h"

namespace pewter::io {
namespace {

Json rule_json(const SplitRule& rule) {
  return {{"type", "Split"},
          {"pattern", {{rule.literal ? "String" : "Regex", rule.pattern}}},
          {"behavior", rule.keep == SplitRule::Keep::everything ? "Isolated" : "Removed"},
          {"invert", rule.keep == SplitRule::Keep::matches}};
}

Json pre_tokenizer_json(const TokenizerState& state) {
  Json chain = Json::array();
  for (const SplitRule& rule : state.pre_tokenizer->rules()) chain.push_back(rule_json(rule));
  chain.push_back({{"type", "ByteLevel"},
                   {"add_prefix_space", false},
                   {"trim_offsets", true},
                   {"use_regex", false}});
  return {{"type", "Sequence"}, {"pretokenizers", std::move(chain)}};
}

Json model_json(const TokenizerState& state) {
  Json vocabulary = Json::object();
  for (size_t id = 0; id < state.spelling.size(); ++id)
    if (!state.spelling[id].empty()) vocabulary[state.spelling[id]] = id;
  Json merges = Json::array();
  for (const auto& [left, right] : state.merges)
    merges.push_back(state.spelling[static_cast<size_t>(left)] + " " +
                     state.spelling[static_cast<size_t>(right)]);
  const auto& unknown = state.bpe.unknown;
  return {
      {"type", "BPE"},
      {"dropout", nullptr},
      {"unk_token", unknown ? Json(state.spelling[static_cast<size_t>(*unknown)]) : Json(nullptr)},
      {"continuing_subword_prefix", nullptr},
      {"end_of_word_suffix", nullptr},
      {"fuse_unk", state.bpe.fuse_unknown},
      {"byte_fallback", false},
      {"ignore_merges", state.bpe.ignore_merges},
      {"vocab", std::move(vocabulary)},
      {"merges", std::move(merges)}};
}

Json added_json(const TokenizerState& state) {
  Json added = Json::array();
  std::vector<AddedToken> tokens = state.added.tokens();
  std::ranges::sort(tokens, {}, &AddedToken::id);
  for (const AddedToken& token : tokens)
    added.push_back({{"id", token.id},
                     {"content", token.content},
                     {"single_word", false},
                     {"lstrip", token.strip_left},
                     {"rstrip", token.strip_right},
                     {"normalized", false},
                     {"special", token.special}});
  return added;
}

Json post_processor_json(const TokenizerState& state) {
  if (!state.add_bos) return nullptr;
  const std::string& bos = state.bytes[static_cast<size_t>(*state.bos)];
  const Json token = {{"SpecialToken", {{"id", bos}, {"type_id", 0}}}};
  const Json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const Json second = {{"Sequence", {{"id", "B"}, {"type_id", 1}}}};
  return {{"type", "TemplateProcessing"},
          {"single", Json::array({token, text})},
          {"pair", Json::array({token, text, second})},
          {"special_tokens",
           {{bos, {{"id", bos}, {"ids", Json::array({*state.bos})}, {"tokens", {bos}}}}}}};
}

}  // namespace

std::string Tokenizer::to_json() const {
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  const Json root = {{"version", "1.0"},
                     {"truncation", nullptr},
                     {"padding", nullptr},
                     {"added_tokens", added_json(*state_)},
                     {"normalizer", state_->nfc ? Json{{"type", "NFC"}} : Json(nullptr)},
                     {"pre_tokenizer", pre_tokenizer_json(*state_)},
                     {"post_processor", post_processor_json(*state_)},
                     {"decoder", byte_level},
                     {"model", model_json(*state_)}};
  return to_json_text(root);
}

std::string Tokenizer::config_json() const {
  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"add_bos_token", state_->add_bos},
                 {"clean_up_tokenization_spaces", false}};
  if (state_->bos) config["bos_token"] = token_bytes(*state_->bos);
  if (state_->eos) config["eos_token"] = token_bytes(*state_->eos);
  if (state_->chat_template) config["chat_template"] = *state_->chat_template;
  return to_json_text(config, 2) + "\n";
}

}  // namespace pewter::io

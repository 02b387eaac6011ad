// What the tests of training share: a folder that goes away, and a model small enough to train in a
// fraction of a second: bytes as tokens, ChatML as its template, random weights.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "io/json_file.h"
#include "io/weights.h"
#include "pewter/train.h"

namespace pewter::test {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "pewter-train-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Runs `body`, which must throw pewter::Error with `code` and a message that has every part.
inline void expect_error(ErrorCode code, const std::vector<std::string>& parts,
                         const std::function<void()>& body) {
  try {
    body();
    ADD_FAILURE() << "nothing was thrown; expected '" << (parts.empty() ? "" : parts[0]) << "'";
  } catch (const Error& e) {
    EXPECT_EQ(to_string(e.code()), to_string(code)) << e.what();
    for (const std::string& part : parts)
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos)
          << "no '" << part << "' in: " << e.what();
  }
}

inline constexpr const char* kChatMl =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' "
    "}}{% endif %}";

// GPT-2's printable stand-in for a byte, in UTF-8.
inline std::string byte_letter(int byte) {
  const auto plain = [](int b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  };
  int code = byte;
  if (!plain(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += !plain(b);
  }
  if (code < 128) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

// Ids: 0 <|endoftext|>, 1 <|im_start|>, 2 <|im_end|>, 3 + byte, then "th" and "the", so that "the"
// has several ways to be written. An empty template means none.
inline io::Tokenizer tiny_tokenizer(const std::string& chat_template = kChatMl) {
  io::Json vocabulary, added = io::Json::array();
  const std::vector<std::string> special = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  for (size_t id = 0; id < special.size(); ++id) {
    vocabulary[special[id]] = id;
    added.push_back({{"id", id},
                     {"content", special[id]},
                     {"special", true},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false}});
  }
  for (int byte = 0; byte < 256; ++byte) vocabulary[byte_letter(byte)] = 3 + byte;
  vocabulary["th"] = 259;
  vocabulary["the"] = 260;
  const io::Json json = {
      {"version", "1.0"},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer",
       {{"type", "ByteLevel"},
        {"add_prefix_space", false},
        {"trim_offsets", true},
        {"use_regex", true}}},
      {"post_processor", nullptr},
      {"decoder",
       {{"type", "ByteLevel"},
        {"add_prefix_space", true},
        {"trim_offsets", true},
        {"use_regex", true}}},
      {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"t h", "th e"}}}}};
  io::Json config = {{"eos_token", chat_template.empty() ? "<|endoftext|>" : "<|im_end|>"}};
  if (!chat_template.empty()) config["chat_template"] = chat_template;
  return io::Tokenizer::from_json(io::copy_bytes("tokenizer.json", json.dump()),
                                  io::copy_bytes("tokenizer_config.json", config.dump()));
}

// Numbers in [-1, 1) that are the same everywhere.
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed) {}
  float next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<float>(static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1);
  }

 private:
  uint64_t state_;
};

inline io::ModelConfig tiny_config(int64_t vocabulary) {
  io::ModelConfig c;
  c.architecture = "llama";
  c.vocab_size = vocabulary;
  c.width = 32;
  c.n_layers = 2;
  c.n_heads = 4;
  c.n_kv_heads = 2;
  c.head_dim = 8;
  c.ffn_width = 48;
  c.rms_eps = 1e-5f;
  c.rope_theta = 10000;
  c.max_context = 512;
  c.tied_embeddings = true;
  return c;
}

// A model folder with weights of a size that keeps activations near 1.
inline std::string write_tiny_model(const std::string& folder,
                                    const std::string& chat_template = kChatMl) {
  const io::Tokenizer tokenizer = tiny_tokenizer(chat_template);
  const io::ModelConfig config = tiny_config(tokenizer.vocab_size());
  std::vector<io::HostTensor> tensors;
  Noise noise(1);
  for (const std::string& name : io::tensor_names(config)) {
    const std::vector<int64_t> shape = io::expected_shape(config, name);
    std::byte* bytes = nullptr;
    io::HostTensor tensor = io::make_host_tensor(name, f32, shape, &bytes);
    auto* values = reinterpret_cast<float*>(bytes);
    const bool norm = shape.size() == 1;
    const float size = std::sqrt(3.0f / static_cast<float>(shape.back()));
    for (int64_t i = 0; i < tensor.values(); ++i) values[i] = norm ? 1 : size * noise.next();
    tensors.push_back(std::move(tensor));
  }
  std::filesystem::create_directories(folder);
  io::write_model_folder(folder, config, tokenizer, tensors);
  return folder;
}

}  // namespace pewter::test

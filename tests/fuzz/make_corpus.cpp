// Writes a few valid inputs for each fuzz target into FOLDER/<target>/, so that fuzzing starts
// behind the first checks. Golden files are used where there are any.
#include <fstream>

#include "io/chat_template.h"
#include "io/json_file.h"
#include "io/small_tokenizer.h"

namespace fs = std::filesystem;
using namespace pewter::io;

namespace {

fs::path root;

void put(const std::string& target, const std::string& name, const std::string& bytes) {
  fs::create_directories(root / target);
  write_text(root / target / name, bytes);
}

// A model of one layer: width 4, two heads of 2, one key/value head.
std::string gguf_model(const std::string& architecture, uint32_t version) {
  const std::string a = architecture + ".";
  GgufBuilder b = SmallTokenizer().gguf();
  GgufBuilder typed(version);
  b.string("general.architecture", architecture);
  b.u32(a + "embedding_length", 4).u32(a + "block_count", 1).u32(a + "attention.head_count", 2);
  b.u32(a + "attention.head_count_kv", 1).u32(a + "feed_forward_length", 3);
  b.u32(a + "context_length", 16).f32(a + "attention.layer_norm_rms_epsilon", 1e-5f);
  const auto add = [&](const std::string& name, uint64_t rows, uint64_t columns) {
    b.tensor(name,
             rows == 1 ? std::vector<uint64_t>{columns} : std::vector<uint64_t>{columns, rows}, 1,
             std::string(2 * rows * columns, '\x3c'));
  };
  add("token_embd.weight", 267, 4), add("output_norm.weight", 1, 4);
  add("blk.0.attn_norm.weight", 1, 4), add("blk.0.attn_q.weight", 4, 4);
  add("blk.0.attn_k.weight", 2, 4), add("blk.0.attn_v.weight", 2, 4);
  add("blk.0.attn_output.weight", 4, 4), add("blk.0.ffn_norm.weight", 1, 4);
  add("blk.0.ffn_gate.weight", 3, 4), add("blk.0.ffn_up.weight", 3, 4);
  add("blk.0.ffn_down.weight", 4, 3);
  if (architecture == "qwen2") {
    add("blk.0.attn_q.bias", 1, 4), add("blk.0.attn_k.bias", 1, 2), add("blk.0.attn_v.bias", 1, 2);
  }
  return b.bytes();
}

void gguf() {
  put("gguf", "llama", gguf_model("llama", 3));
  put("gguf", "qwen2", gguf_model("qwen2", 3));
  GgufBuilder small(2);
  small.u32("n", 7).strings("s", {"a", "b"}).i32s("i", {1, 2});
  small.tensor("q", {32}, 8, std::string(34, '\x05')).tensor("k", {256}, 14, std::string(210, 1));
  put("gguf", "small", small.bytes());
}

void templates() {
  const FileBytes file = map_file(golden("chat_template/cases.json"));
  const Json json = parse_json(file.name, file.text());
  for (const auto& [name, source] : json["templates"].items()) put("chat_template", name, source);
}

void adapters() {
  for (const std::string name : {"plain", "patterns", "regex", "layers"}) {
    const std::string config = read_text(golden("peft_adapter/" + name + "/adapter_config.json"));
    const std::string tensors =
        read_text(golden("peft_adapter/" + name + "/adapter_model.safetensors"));
    std::string length;
    GgufBuilder::put(&length, static_cast<uint16_t>(config.size()));
    put("adapter", name, length + config + tensors);
    put("safetensors", name, tensors);
  }
}

void tokenizers() {
  Json json = SmallTokenizer().json();
  put("tokenizer_json", "small", json.dump());
  json["normalizer"] = {{"type", "NFC"}};
  json["model"]["ignore_merges"] = true;
  json["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "<|bos|>"}}}}, {{"Sequence", {{"id", "A"}}}}}}};
  json["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers",
                            {{{"type", "Digits"}, {"individual_digits", true}},
                             {{"type", "Split"},
                              {"pattern", {{"Regex", "\\p{L}+|\\s+(?!\\S)"}}},
                              {"behavior", "Isolated"}},
                             {{"type", "ByteLevel"}, {"use_regex", false}}}}};
  put("tokenizer_json", "other", json.dump());
  size_t n = 0;
  for_each_json_line(map_file(golden("tokenizer/cases.jsonl")), [&](size_t, const JsonView& line) {
    if (++n % 40 == 0) put("text", std::to_string(n), std::string(line.at("text").string()));
  });
  put("text", "broken", "ab\xC3 \xF0\x9F\x98 \xED\xA0\x80 \xFF");
}

void others() {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
  put("npy", "f4",
      std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header +
          "12345678");
  const std::string other = "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1), }\n";
  put("npy", "i8",
      std::string("\x93NUMPY\x02\x00", 8) + static_cast<char>(other.size()) + std::string(3, '\0') +
          other + "12345678");
  put("jsonl", "chat",
      R"({"messages":[{"role":"user","content":"a\u00e9"}]})"
      "\n"
      R"({"text":"x"})"
      "\n");
  put("jsonl", "pairs",
      R"({"prompt":"a","completion":"b"})"
      "\r\n\n"
      R"({"prompt":"c","completion":1e5})");
  put("config", "llama",
      R"({"model_type":"llama","vocab_size":8,"hidden_size":8,"num_hidden_layers":1,
    "num_attention_heads":2,"intermediate_size":4,"rope_scaling":{"rope_type":"llama3","factor":8.0,
    "low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192}})");
  put("config", "qwen2",
      R"({"model_type":"qwen2","vocab_size":8,"hidden_size":8,"num_hidden_layers":1,
    "num_attention_heads":2,"num_key_value_heads":1,"head_dim":4,"intermediate_size":4,"rms_norm_eps":1e-6,
    "rope_parameters":{"rope_type":"linear","factor":2,"rope_theta":1e6},"tie_word_embeddings":true})");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  root = argv[1];
  gguf();
  templates();
  adapters();
  tokenizers();
  others();
  return 0;
}

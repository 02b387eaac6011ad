// Shared by the two readers behind open_model(): they fill in a ModelFiles, finish() checks it.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "io/gguf.h"
#include "io/weights.h"
#include "pewter/error.h"

namespace pewter::io {

class ModelFilesBuilder {
 public:
  explicit ModelFilesBuilder(std::string name) { files_.name_ = std::move(name); }

  ModelConfig& config() { return files_.config_; }
  std::map<std::string, HostTensor, std::less<>>& tensors() { return files_.tensors_; }
  void set_tokenizer(Tokenizer tokenizer) { files_.tokenizer_ = std::move(tokenizer); }
  // How the file itself calls a tensor, for messages.
  void set_source_name(std::function<std::string(const std::string&)> name) {
    source_name_ = std::move(name);
  }

  // Range checks of the configuration alone; finish() does them too.
  void check_config();
  ModelFiles finish();

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw_error(ErrorCode::format, "[model] {}: {}", files_.name_,
                fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  void check_rope_factors();
  void check_tensors();
  void check_tokenizer();
  std::string source_name(const std::string& name) const {
    return source_name_ ? source_name_(name) : name;
  }

  ModelFiles files_;
  std::function<std::string(const std::string&)> source_name_;
};

// config.json alone, without the range checks of finish().
void read_model_config(const FileBytes& file, ModelConfig* out);
ModelFiles read_gguf_model(const GgufFile& file);
ModelFiles open_model_folder(const std::filesystem::path& folder);

}  // namespace pewter::io

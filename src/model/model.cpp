// The public Model: opening, what is trainable, text in and out. Generation is generate.cpp,
// adapters in and out adapter.cpp.
#include "pewter/model.h"

#include <filesystem>
#include <mutex>

#include "model_impl.h"
#include "placement.h"

namespace pewter {
namespace {

namespace fs = std::filesystem;

struct Folder {
  std::mutex mutex;
  std::string path = ".";
};
Folder& folder() {
  static Folder f;
  return f;
}

// Names that fetch knows, and the file each leaves in the model folder.
std::string resolved(const std::string& source) {
  if (source == "smollm2-135m") {
    if (model_folder().empty()) {
      throw_error(ErrorCode::io,
                  "[model] {}: there is no folder for models (the command has it from "
                  "XDG_CACHE_HOME or HOME, which must be absolute paths); give a file",
                  source);
    }
    const fs::path path = fs::path(model_folder()) / "SmolLM2-135M-Instruct.Q4_1.gguf";
    if (!io::is_there(path)) {
      throw_error(ErrorCode::io, "[model] {} is not in {}; run: pewter fetch {}", source,
                  model_folder(), source);
    }
    return path.string();
  }
  return source;
}

// A template knows its lines, but not whose it is.
template <typename F>
auto named(const std::string& source, F&& work) {
  try {
    return work();
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("{}: {}", source, e.what()));
  }
}

}  // namespace

void set_model_folder(const std::string& path) {
  std::lock_guard lock(folder().mutex);
  folder().path = path;
}
std::string model_folder() {
  std::lock_guard lock(folder().mutex);
  return folder().path;
}

Model Model::load(const std::string& source, LoadOptions options) {
  return Model(std::make_shared<Impl>(source, io::open_model(resolved(source)), options.device));
}

void Model::make_trainable() {
  if (impl_->lora) {
    throw_error(ErrorCode::argument, "[model] has an adapter; train that, or load the model anew");
  }
  const auto parameters = impl_->decoder.parameters();
  for (auto& [name, tensor] : parameters) {
    if (is_floating(tensor->dtype())) continue;
    throw_error(ErrorCode::dtype, "[model] {} is {}; only plain weights can be trained", name,
                to_string(tensor->dtype()));
  }
  // Own memory (the file's mapping is read-only) in f32, so that small updates are not rounded
  // away; all of it before the model changes.
  std::vector<Tensor> own;
  for (auto& [name, tensor] : parameters) {
    own.push_back(empty(tensor->shape(), {f32, device()}));
    copy_(own.back(), *tensor);
    own.back().set_requires_grad();
  }
  for (size_t i = 0; i < own.size(); ++i) *parameters[i].second = own[i];
  impl_->full = true;
}

std::vector<std::pair<std::string, Tensor>> Model::trainable() const {
  std::vector<std::pair<std::string, Tensor>> found;
  if (impl_->full) {
    for (auto& [name, tensor] : impl_->decoder.parameters()) found.emplace_back(name, *tensor);
    return found;
  }
  for (const Linear* linear : adapted(impl_->decoder)) {
    if (!linear->lora->a.requires_grad()) continue;
    found.emplace_back(linear->name + ".lora_A.weight", linear->lora->a);
    found.emplace_back(linear->name + ".lora_B.weight", linear->lora->b);
  }
  return found;
}

std::vector<int32_t> Model::encode(std::string_view text, bool parse_special) const {
  const io::Tokenizer& tokenizer = impl_->files.tokenizer();
  std::vector<int32_t> ids = tokenizer.encode(text, {.parse_special = parse_special});
  // Llama 3's chat template writes bos itself.
  const bool has_bos = parse_special && !ids.empty() && ids[0] == tokenizer.bos();
  if (tokenizer.add_bos() && !has_bos) ids.insert(ids.begin(), *tokenizer.bos());
  return ids;
}

std::string Model::decode(std::span<const int32_t> ids) const {
  return impl_->files.tokenizer().decode(ids);
}

const io::ChatTemplate& Model::Impl::chat_template() {
  std::call_once(parsed_, [&] {
    const io::Tokenizer& tokenizer = files.tokenizer();
    if (!tokenizer.chat_template()) {
      throw_error(ErrorCode::format, "{}: the model has no chat template", source);
    }
    const auto text_of = [&](std::optional<int32_t> id) {
      return id ? std::string(tokenizer.token_bytes(*id)) : std::string();
    };
    named(source, [&] {
      chat_template_.emplace(*tokenizer.chat_template(), text_of(tokenizer.bos()),
                             text_of(tokenizer.eos()));
    });
  });
  return *chat_template_;
}

std::string Model::chat_prompt(const std::vector<ChatMessage>& messages, bool add_prompt) const {
  std::vector<io::Message> list;
  for (const ChatMessage& m : messages) list.push_back({m.role, m.content});
  const io::ChatTemplate& chat = impl_->chat_template();
  return named(impl_->source, [&] { return chat.render(list, add_prompt); });
}

Tensor Model::logits(std::span<const int32_t> ids) const {
  NoGrad off;
  const auto tokens = static_cast<int64_t>(ids.size());
  const Tensor hidden = impl_->decoder.hidden(from_values(ids, {1, tokens}, {i32, device()}),
                                              one_sequence(tokens, 0, device()), {});
  return impl_->decoder.logits(hidden.reshape({tokens, impl_->decoder.config().width}));
}

Device Model::device() const { return impl_->decoder.device(); }
std::string Model::source() const { return impl_->source; }
bool Model::has_adapter() const { return !adapted(impl_->decoder).empty(); }

int64_t Model::parameter_count() const {
  int64_t count = 0;
  for (auto& [name, tensor] : impl_->decoder.parameters()) count += tensor->numel();
  return count;
}

int64_t Model::trainable_count() const {
  int64_t count = 0;
  for (auto& [name, tensor] : trainable()) count += tensor.numel();
  return count;
}

}  // namespace pewter

#include "train/checkpoint.h"

#include <hwy/highway.h>
#include <hwy/targets.h>

#include <algorithm>

#include "io/atomic_file.h"
#include "io/safetensors.h"
#include "model/model_impl.h"
#include "model/transfer.h"
#include "train/hash.h"

namespace pewter {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 2;
constexpr size_t kSampledBytes = 4096;  // of each weight, to tell base models apart
constexpr std::string_view kPeftPrefix = "base_model.model.";

std::string hex(uint64_t value) { return fmt::format("{:016x}", value); }

uint64_t model_hash(const Model& model) {
  Hash hash;
  for (const auto& [name, tensor] : model.impl().files.tensors()) {
    hash.add(name).add(to_string(tensor.dtype));
    hash.add_values(std::span<const int64_t>(tensor.shape));
    hash.add(tensor.data.first(std::min(tensor.data.size(), kSampledBytes)));
  }
  return hash.value();
}

// The CPU's kernels differ in their last bits by instruction set; these are the ones that run here.
std::string instruction_set() {
  const int64_t usable = hwy::SupportedTargets() & HWY_TARGETS;
  std::string name = hwy::TargetName(usable & -usable);  // the lowest bit is the best
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) name += " AVX512_BF16";
#endif
  return name;
}

// Where a loaded adapter's patterns give layers a rank or alpha of their own, each layer's scale.
io::Json layer_scales(const Model& model) {
  io::Json json = io::Json::object();
  const auto& loaded = model.impl().loaded;
  if (!loaded || (loaded->rank_pattern.empty() && loaded->alpha_pattern.empty())) return json;
  for (const Linear* linear : adapted(model.impl().decoder)) {
    json["scale of " + linear->name] = linear->lora->scale;
  }
  return json;
}

void put_back(const io::Safetensors& file, const std::string& path, const std::string& name,
              const Tensor& to) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) {
    throw_error(ErrorCode::format, "[train] {}: tensor '{}' is missing", path, name);
  }
  const io::HostTensor& from = found->second;
  // Sizes are compared as the file has them: more of them than a Shape holds are its error too.
  if (from.dtype != to.dtype() ||
      !std::equal(from.shape.begin(), from.shape.end(), to.shape().begin(), to.shape().end())) {
    throw_error(ErrorCode::format, "[train] {}: '{}' is {} {}, the model has {} {}", path, name,
                to_string(from.dtype), io::shape_string(from.shape), to_string(to.dtype()),
                to.shape().to_string());
  }
  copy_(to, from_bytes(from.data, to.shape(), {from.dtype, to.device()}));
}

void write_parameters(const fs::path& folder, const Model& model, const Optimizer& optimizer) {
  if (model.has_adapter()) return model.save_adapter(folder.string());
  std::vector<io::HostTensor> tensors;
  for (const Parameter& p : optimizer.parameters()) tensors.push_back(to_host(p.name, p.value));
  io::write_safetensors(folder / "parameters.safetensors", tensors);
}

void write_moments(const fs::path& folder, const Optimizer& optimizer) {
  std::vector<io::HostTensor> tensors;
  for (const Parameter& p : optimizer.parameters()) {
    tensors.push_back(to_host("m." + p.name, p.m));
    tensors.push_back(to_host("v." + p.name, p.v));
  }
  io::write_safetensors(folder / "optimizer.safetensors", tensors);
}

void check_fingerprint(const std::string& path, const io::Json& saved, const io::Json& wanted) {
  const auto text = [](const io::Json& json, const std::string& key) {
    return json.contains(key) ? io::to_json_text(json[key]) : "absent";
  };
  io::Json all = saved;  // a field of either counts
  all.update(wanted);
  for (const auto& [key, value] : all.items()) {
    const std::string before = text(saved, key), now = text(wanted, key);
    if (before == now) continue;
    throw_error(ErrorCode::argument,
                "[train] cannot resume: {} is {} in this run and {} in {}; use the same, or begin "
                "anew without resume",
                key, now, before, path);
  }
}

TrainState parse_state(const io::JsonView& view) {
  TrainState state;
  state.step = view.at("step").integer(0);
  state.data_position = view.at("data_position").integer(0);
  state.dropout_counter = static_cast<uint64_t>(view.at("dropout_counter").integer(0));
  state.tokens = view.at("tokens").integer(0);
  state.tokens_computed = view.at("tokens_computed").integer(0);
  state.seconds = view.at("seconds").number();
  state.step_seconds = view.at("step_seconds").number();
  return state;
}

}  // namespace

io::Json fingerprint(const Model& model, const TrainOptions& o, int64_t steps, uint64_t data_hash,
                     uint64_t tokens_hash) {
  io::Json json = {{"data file", hex(data_hash)},
                   {"tokens of the data", hex(tokens_hash)},
                   {"model", hex(model_hash(model))},
                   {"device", model.device().name()},
                   {"steps", steps},
                   {"epochs", o.epochs},
                   {"batch", o.batch},
                   {"seq_len", o.seq_len},
                   {"accumulate", o.accumulate},
                   {"learning_rate", o.learning_rate},
                   {"schedule", static_cast<int>(o.schedule)},
                   {"warmup", o.warmup},
                   {"weight_decay", o.weight_decay},
                   {"clip", o.clip},
                   {"beta1", o.beta1},
                   {"beta2", o.beta2},
                   {"eps", o.eps},
                   {"loraplus", o.loraplus},
                   {"seed", o.seed},
                   {"raw", o.raw},
                   {"trained", model.trainable_count()}};
  if (const auto& lora = model.impl().lora) {
    json.update({{"rank", lora->rank},
                 {"alpha", lora->alpha},
                 {"rslora", lora->rslora},
                 {"dropout", lora->dropout},
                 {"targets", lora->targets}});
  }
  json.update(layer_scales(model));
  if (model.device().kind() == DeviceKind::cpu) json["instruction set"] = instruction_set();
  return json;
}

void write_checkpoint(const fs::path& folder, const Model& model, const Optimizer& optimizer,
                      const TrainState& state, const io::Json& fingerprint) {
  io::AtomicDirectory directory(folder);
  write_parameters(directory.path(), model, optimizer);
  write_moments(directory.path(), optimizer);
  const io::Json json = {{"format", kFormat},
                         {"step", state.step},
                         {"data_position", state.data_position},
                         {"dropout_counter", state.dropout_counter},
                         {"tokens", state.tokens},
                         {"tokens_computed", state.tokens_computed},
                         {"seconds", state.seconds},
                         {"step_seconds", state.step_seconds},
                         {"settings", fingerprint}};
  io::write_file_atomically(directory.path() / "state.json", io::to_json_text(json, 1) + "\n");
  directory.commit();
}

std::optional<TrainState> read_checkpoint(const fs::path& folder, Optimizer* optimizer,
                                          const io::Json& fingerprint) {
  const fs::path whole = io::whole_directory(folder);
  if (whole.empty()) return std::nullopt;
  const std::string path = (whole / "state.json").string();
  const io::Json json = io::parse_json(path, io::map_file(path).text());
  const io::JsonView view(path, json);
  if (view.at("format").integer() != kFormat) {
    view.at("format").fail(fmt::format("expected {}", kFormat));
  }
  const TrainState state = parse_state(view);
  check_fingerprint(path, view.at("settings").json(), fingerprint);

  NoGrad off;
  const bool adapter = io::is_there(whole / "adapter_model.safetensors");
  const fs::path weights =
      whole / (adapter ? "adapter_model.safetensors" : "parameters.safetensors");
  const io::Safetensors values = io::read_safetensors(weights);
  const fs::path moments_path = whole / "optimizer.safetensors";
  const io::Safetensors moments = io::read_safetensors(moments_path);
  for (Parameter& p : optimizer->parameters()) {
    put_back(values, weights.string(), adapter ? std::string(kPeftPrefix) + p.name : p.name,
             p.value);
    put_back(moments, moments_path.string(), "m." + p.name, p.m);
    put_back(moments, moments_path.string(), "v." + p.name, p.v);
  }
  return state;
}

// All that can fail on a full checkpoint comes before the rename that sets it aside, and a kill in
// between leaves one that whole_directory() finds.
EarlierRun::EarlierRun(fs::path out)
    : checkpoint_(out / "checkpoint"),
      log_(out / "log.jsonl"),
      old_checkpoint_(out / "checkpoint.previous"),
      old_log_(out / "log.previous.jsonl") {
  const fs::path whole = io::whole_directory(checkpoint_);
  std::error_code error;
  if (whole.empty() && fs::exists(old_checkpoint_, error)) {  // a killed run had set it aside
    aside_ = true;
    return;
  }
  if (!whole.empty() && whole != checkpoint_) fs::rename(whole, checkpoint_, error);
  for (const char* leftover : {".old", ".new", ".previous"}) {
    if (!error) fs::remove_all(checkpoint_.string() + leftover, error);
  }
  if (!error) fs::remove(old_log_, error);
  if (!error && !whole.empty()) fs::rename(checkpoint_, old_checkpoint_, error);
  if (!error) {
    aside_ = true;
    fs::rename(log_, old_log_, error);
    if (error == std::errc::no_such_file_or_directory) error.clear();
    if (error) put_back();
  }
  if (error) {
    throw_error(ErrorCode::io, "[train] {}: cannot set the earlier run aside: {}",
                checkpoint_.string(), error.message());
  }
}

void EarlierRun::drop() {
  if (!aside_) return;
  aside_ = false;
  std::error_code ignored;
  fs::remove_all(old_checkpoint_, ignored);
  fs::remove(old_log_, ignored);
}

void EarlierRun::put_back() {
  if (!aside_) return;
  aside_ = false;
  std::error_code ignored;
  fs::rename(old_checkpoint_, checkpoint_, ignored);
  fs::remove(log_, ignored);
  fs::rename(old_log_, log_, ignored);
}

EarlierRun::~EarlierRun() { put_back(); }

}  // namespace pewter

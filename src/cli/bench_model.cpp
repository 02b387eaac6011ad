#include "bench_model.h"

#include <sys/resource.h>

#include <filesystem>

#include "measure.h"
#include "model/model_impl.h"
#include "model/placement.h"
#include "model/session.h"
#include "pewter/ops.h"

namespace pewter::cli {
namespace {

std::vector<int32_t> random_ids(int64_t n, int64_t vocabulary, uint64_t seed) {
  const auto u = uniform({n}, 0, 1, {f32, "cpu"}, seed).to_vector<float>();
  std::vector<int32_t> ids;
  for (float x : u) {
    ids.push_back(static_cast<int32_t>(x * static_cast<float>(vocabulary - 1)));
  }
  return ids;
}

// Multiply-adds a token needs: one for every weight of every linear layer and of the head.
double weights_used(Decoder& decoder) {
  double n = static_cast<double>(decoder.head().numel());
  for (Block& block : decoder.blocks()) {
    for (Linear* linear : block.linears()) n += static_cast<double>(linear->weight.numel());
  }
  return n;
}

double weight_bytes(Decoder& decoder) {
  double bytes = static_cast<double>(byte_size(decoder.head().dtype(), decoder.head().numel()));
  for (Block& block : decoder.blocks()) {
    for (Linear* linear : block.linears()) {
      bytes += static_cast<double>(byte_size(linear->weight.dtype(), linear->weight.numel()));
    }
  }
  return bytes;
}

constexpr int64_t kPrompt = 256, kDecode = 64, kTrain = 512;

nlohmann::json bench_prompt(Decoder& decoder, const std::string& work, double fma_peak) {
  const auto ids = random_ids(kPrompt, decoder.config().vocab_size, 1);
  const Timing t = time_work([&] { Session(decoder, kPrompt).feed(ids); }, 2, 3);
  const double head = static_cast<double>(decoder.head().numel());
  const double flops = 2 * (weights_used(decoder) - head) + 2 * head / kPrompt;
  return row(work, decoder.device(), t, kPrompt, "tokens/s", fma_peak / flops);
}

nlohmann::json bench_decode(Decoder& decoder, const std::string& work, double bandwidth) {
  const auto ids = random_ids(kPrompt, decoder.config().vocab_size, 1);
  std::vector<double> seconds;
  Session session(decoder, kPrompt + 8 * kDecode);
  std::vector<float> logits = session.feed(ids);
  const auto decode = [&] {
    for (int64_t i = 0; i < kDecode; ++i) {
      const auto best = std::max_element(logits.begin(), logits.end());
      const auto id = static_cast<int32_t>(best - logits.begin());
      logits = session.feed(std::span(&id, 1));
    }
  };
  const Timing t = time_work(decode, 0, 5);
  return row(work, decoder.device(), t, kDecode, "tokens/s", bandwidth / weight_bytes(decoder));
}

nlohmann::json bench_train(Model& model, const std::string& work, double fma_peak) {
  model.add_lora({.rank = 16, .alpha = 16, .seed = 1});
  Decoder& decoder = model.impl().decoder;
  const Device device = model.device();
  const auto ids = random_ids(kTrain + 1, decoder.config().vocab_size, 2);
  const std::span<const int32_t> all(ids);
  const Tensor inputs = from_values(all.first(kTrain), {1, kTrain}, {i32, device});
  const Tensor targets = from_values(all.last(kTrain), {kTrain}, {i32, device});
  const Tensor weights = full({kTrain}, 1.0 / kTrain, {f32, device});
  const Tensor step = from_values(std::vector<float>{1e-4f, 0.1f, 0.001f, 1}, {4}, {f32, device});
  const auto trained = model.trainable();
  std::vector<std::pair<Tensor, Tensor>> moments;
  for (const auto& [name, t] : trained) {
    moments.emplace_back(zeros(t.shape(), {f32, device}), zeros(t.shape(), {f32, device}));
  }
  const auto train_step = [&] {
    const Tensor hidden = decoder.hidden(inputs, one_sequence(kTrain, 0, device), {});
    backward(linear_cross_entropy(hidden.reshape({kTrain, decoder.config().width}), decoder.head(),
                                  targets, weights));
    for (size_t i = 0; i < trained.size(); ++i) {
      adamw_(trained[i].second, trained[i].second.grad(), moments[i].first, moments[i].second, step,
             {});
      trained[i].second.set_grad({});
    }
  };
  const Timing t = time_work(train_step, 5, 3);
  nlohmann::json out =
      row(work, device, t, kTrain, "tokens/s", fma_peak / (4 * weights_used(decoder)));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  out["peak_resident_bytes"] = int64_t{usage.ru_maxrss} * 1024;
  return out;
}

}  // namespace

void bench_model(const std::string& source, const std::string& what, Device device,
                 const std::function<void(nlohmann::json)>& print) {
  const std::string name = std::filesystem::path(source).filename().string();
  const auto wanted = [&](const char* kind) {
    return (std::string(kind) + "/" + name).find(what) != std::string::npos;
  };
  if (!wanted("prompt") && !wanted("decode") && !wanted("train")) {
    throw_error(ErrorCode::argument,
                "[bench] no row's name holds '{}'; rows are prompt/{}, decode/{}, train/{}", what,
                name, name, name);
  }
  Model model = Model::load(source, {.device = device});
  const int threads = num_threads();
  Decoder& decoder = model.impl().decoder;
  const double peak = measured_fma_peak(threads);
  if (wanted("prompt")) {
    // Quantised weights meet activations of 16 bits there.
    const bool rounds = is_quantised(decoder.head().dtype());
    print(bench_prompt(decoder, "prompt/" + name, rounds ? measured_int16_peak(threads) : peak));
  }
  if (wanted("decode")) {
    print(bench_decode(decoder, "decode/" + name, measured_read_bandwidth(threads)));
  }
  if (wanted("train")) print(bench_train(model, "train/" + name, peak));
}

}  // namespace pewter::cli

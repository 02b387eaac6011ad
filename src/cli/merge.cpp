// pewter merge: base plus adapter as one model, checked against the two apart before it is called
// done.
#include <cmath>
#include <filesystem>

#include "command.h"
#include "model/finite.h"

namespace pewter::cli {
namespace {

struct Options {
  Common common;
  std::string model, adapter, out, dtype = "f32";
};

DType dtype_of(const std::string& name) {
  if (name == "f16") return f16;
  return name == "bf16" ? bf16 : f32;
}

struct Difference {
  double largest = 0, cosine = 1;
};

// Logits of both on text that every tokenizer has: the printable characters.
Difference compare(const Model& a, const Model& b) {
  std::string text;
  for (char c = ' '; c <= '~'; ++c) text += c;
  std::vector<int32_t> ids = a.encode(text, false);
  if (ids.size() > 64) ids.resize(64);
  const auto x = a.logits(ids).to_vector<float>(), y = b.logits(ids).to_vector<float>();
  Difference d;
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    d.largest = std::max(d.largest, std::abs(double{x[i]} - y[i]));
    xy += double{x[i]} * y[i];
    xx += double{x[i]} * x[i];
    yy += double{y[i]} * y[i];
  }
  d.cosine = xy / std::sqrt(xx * yy);
  return d;
}

int run(const Options& o) {
  std::error_code ignored;
  if (std::filesystem::equivalent(o.model, o.out, ignored)) {
    throw_error(ErrorCode::argument, "[merge] --out {} is the model itself", o.out);
  }
  Model model = Model::load(o.model, {.device = o.common.chosen_device()});
  check_weights_are_finite(model);
  model.load_adapter(o.adapter);
  model.save_merged(o.out, dtype_of(o.dtype));
  const Model merged = Model::load(o.out, {.device = o.common.chosen_device()});
  const Difference d = compare(model, merged);
  // Rounding a weight to u of itself moves what each of its layers adds by about u, the logits of n
  // blocks by sqrt(2n) u; 4 times that for what later blocks amplify, and 1 - cosine is half the
  // square. For n = 30: 7e-3 with bf16 (u = 2^-8), 1e-4 with f16 (2^-11). With f32 the order of
  // sums of K = 1536 terms counts for more, sqrt(K) 2^-24: 3e-9; the rest is room for deep models.
  const double allowed = o.dtype == "f32" ? 1e-6 : o.dtype == "f16" ? 1e-4 : 1e-2;
  if (!(1 - d.cosine <= allowed)) {
    throw_error(ErrorCode::device_failure,
                "[merge] {}: the merged model differs from base plus adapter: cosine of the logits "
                "{:.9f}, 1 - {:g} is asked of {}",
                o.out, d.cosine, allowed, o.dtype);
  }
  if (o.common.json) {
    print_json({{"out", o.out},
                {"dtype", o.dtype},
                {"largest_difference", d.largest},
                {"cosine", d.cosine},
                {"cosine_allowed", 1 - allowed}});
  } else {
    fmt::print("{}: largest difference of a logit {:.3g}, cosine {:.9f}; {} must reach 1 - {:g}\n",
               o.out, d.largest, d.cosine, o.dtype, allowed);
  }
  return 0;
}

}  // namespace

void add_merge(CLI::App& app) {
  static Options o;
  CLI::App* c =
      add_command(app, "merge", "Fold an adapter into its model", o.common, [] { return run(o); });
  add_model_option(*c, o.model);
  c->add_option("--adapter", o.adapter, "A LoRA adapter folder in PEFT's format")->required();
  c->add_option("--out", o.out, "Hugging Face folder to write")->required();
  c->add_option("--dtype", o.dtype, "f32, f16 or bf16")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}))
      ->capture_default_str();
}

}  // namespace pewter::cli

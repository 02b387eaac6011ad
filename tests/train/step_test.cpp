// A step's numbers: packed, shared, accumulated and one by one they are the same.
#include "train/step.h"

#include <gtest/gtest.h>

#include "model/model_impl.h"
#include "model/placement.h"
#include "support.h"
#include "train/optimizer.h"

namespace pewter {
namespace {

using test::TempFolder;
using test::write_tiny_model;

std::vector<Document> make_documents(size_t count) {
  std::vector<Document> documents;
  for (size_t i = 0; i < count; ++i) {
    Document d;
    const size_t prompt = 6 + i * 5 % 4, answer = 3 + i * 7 % 5;
    for (size_t t = 0; t < prompt + answer; ++t) {
      // Every beginning is the same, so that there is something to share.
      d.ids.push_back(static_cast<int32_t>(t < 5 ? 10 + t : 3 + (i * 31 + t * 17) % 256));
      d.counted.push_back(t >= prompt);
    }
    documents.push_back(d);
  }
  return documents;
}

std::vector<const Document*> pointers(const std::vector<Document>& documents) {
  std::vector<const Document*> out;
  for (const Document& d : documents) out.push_back(&d);
  return out;
}

struct Case {
  explicit Case(float dropout = 0)
      : model(Model::load(write_tiny_model(folder / "model"), {.device = "cpu"})) {
    model.add_lora({.rank = 4, .alpha = 8, .dropout = dropout, .seed = 5});
    // B starts at zero, where gradients of A vanish; any other value shows more.
    for (auto& [name, tensor] : model.trainable()) {
      if (!name.ends_with("lora_B.weight")) continue;
      copy_(tensor, uniform(tensor.shape(), -0.3f, 0.3f, {f32, tensor.device()}, 7));
    }
  }
  const Decoder& decoder() { return model.impl().decoder; }
  StepResult run(std::span<const Document* const> documents, const StepOptions& options) {
    uint64_t counter = 0;
    return forward_backward(decoder(), documents, options, &counter);
  }
  // Gradients by parameter, and a clean slate.
  std::vector<std::vector<double>> gradients() {
    std::vector<std::vector<double>> out;
    for (auto& [name, tensor] : model.trainable()) {
      out.push_back(tensor.grad().defined() ? tensor.grad().to_vector<double>()
                                            : std::vector<double>());
      tensor.set_grad({});
    }
    return out;
  }
  TempFolder folder;
  Model model;
};

double norm(const std::vector<double>& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

// The gradients differ by the order in which some 10 contributions, each with a forward and
// backward of about 30 f32 sums of at most 64 terms behind it, are added: relative to the tensor's
// norm, that many unit roundoffs.
constexpr double kGradientBound = 30 * 64 * 0x1p-24;

void expect_same_gradients(const std::vector<std::vector<double>>& a,
                           const std::vector<std::vector<double>>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].size(), b[i].size());
    ASSERT_FALSE(a[i].empty());
    std::vector<double> difference(a[i].size());
    for (size_t j = 0; j < a[i].size(); ++j) difference[j] = a[i][j] - b[i][j];
    EXPECT_GT(norm(b[i]), 0);
    EXPECT_LE(norm(difference), kGradientBound * norm(b[i])) << "parameter " << i;
  }
}

TEST(Step, HiddenStatesHaveTheBitsOfDocumentsAlone) {
  Case c;
  NoGrad off;
  const auto documents = make_documents(7);
  for (const bool share : {true, false}) {
    const auto rows = pack(pointers(documents), {.seq_len = 512, .share = share});
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].shares(), share);
    const RowTensors tensors = to_tensors(rows[0], Device("cpu"));
    const auto packed = c.decoder().hidden(tensors.ids, tensors.where, {}).to_vector<float>();
    const auto width = static_cast<size_t>(c.decoder().config().width);
    for (const PackedRow::Piece& piece : rows[0].pieces) {
      const auto ids = std::span(piece.document->ids).first(static_cast<size_t>(piece.tokens));
      const auto alone = c.decoder()
                             .hidden(from_values(ids, {1, piece.tokens}, {i32, Device("cpu")}),
                                     one_sequence(piece.tokens, 0, Device("cpu")), {})
                             .to_vector<float>();
      for (size_t t = 0; t < ids.size(); ++t) {
        const auto row =
            static_cast<size_t>(rows[0].key_rows[static_cast<size_t>(piece.first_key) + t]);
        for (size_t i = 0; i < width; ++i) {
          ASSERT_EQ(packed[row * width + i], alone[t * width + i])
              << "share " << share << " token " << t << " element " << i;
        }
      }
    }
  }
}

TEST(Step, PackingEqualsOneByOne) {
  Case c;
  const auto documents = make_documents(8);
  const StepResult packed = c.run(pointers(documents), {.batch = 8});
  const auto packed_gradients = c.gradients();
  // Each alone: the batch is 1, the weights are still those of the whole step.
  const StepResult alone = c.run(pointers(documents), {.batch = 1});
  const auto alone_gradients = c.gradients();
  // Up to 60 weighted terms, summed in different orders in f32.
  EXPECT_NEAR(packed.loss, alone.loss, 60 * 0x1p-24 * alone.loss);
  EXPECT_EQ(packed.tokens, alone.tokens);
  EXPECT_EQ(packed.counted, alone.counted);
  expect_same_gradients(packed_gradients, alone_gradients);
}

TEST(Step, AccumulationEqualsABiggerBatch) {
  Case c;
  const auto documents = make_documents(12);
  const StepResult big = c.run(pointers(documents), {.batch = 12});
  const auto big_gradients = c.gradients();
  // Batches of 5, 5 and 2 documents: unequal token counts, weighted by tokens.
  const StepResult small = c.run(pointers(documents), {.batch = 5});
  EXPECT_NEAR(big.loss, small.loss, 100 * 0x1p-24 * big.loss);
  expect_same_gradients(c.gradients(), big_gradients);
}

TEST(Step, RowsLimitChangesNothing) {
  Case c;
  const auto documents = make_documents(9);
  const StepResult wide = c.run(pointers(documents), {.batch = 9, .seq_len = 512});
  const auto wide_gradients = c.gradients();
  const StepResult narrow = c.run(pointers(documents), {.batch = 9, .seq_len = 20});
  EXPECT_NEAR(wide.loss, narrow.loss, 100 * 0x1p-24 * wide.loss);
  expect_same_gradients(c.gradients(), wide_gradients);
}

// The mean negative log-likelihood of the counted tokens, from logits and double arithmetic.
TEST(Step, LossCountsCompletionsOnly) {
  Case c;
  const auto documents = make_documents(4);
  double sum = 0;
  int64_t counted = 0;
  for (const Document& d : documents) {
    const Tensor logits = c.model.logits(d.ids);
    const auto values = logits.to_vector<double>();
    const auto vocabulary = static_cast<size_t>(logits.size(1));
    for (size_t t = 0; t + 1 < d.ids.size(); ++t) {
      if (!d.counted[t + 1]) continue;
      double total = 0;
      for (size_t v = 0; v < vocabulary; ++v) total += std::exp(values[t * vocabulary + v]);
      sum += std::log(total) - values[t * vocabulary + static_cast<size_t>(d.ids[t + 1])];
      ++counted;
    }
  }
  const StepResult result = c.run(pointers(documents), {});
  EXPECT_EQ(result.counted, counted);
  const double mean = sum / static_cast<double>(counted);
  // Logits of size up to about 5 from sums of 32 products, exponentials of them over 261 words, and
  // a weighted sum over the rows, all in f32.
  EXPECT_NEAR(result.loss, mean, (32 * 5 + 261 + static_cast<double>(counted)) * 0x1p-24 * mean);
}

TEST(Step, DropoutIsRepeatableAndCounted) {
  Case c(0.25f);
  const auto documents = make_documents(6);
  const StepOptions options{.batch = 2, .dropout = 0.25f, .seed = 3};
  uint64_t counter = 0;
  const StepResult first = forward_backward(c.decoder(), pointers(documents), options, &counter);
  const auto first_gradients = c.gradients();
  EXPECT_EQ(counter, 3u);  // one mask a row
  const StepResult second = forward_backward(c.decoder(), pointers(documents), options, &counter);
  const auto second_gradients = c.gradients();
  EXPECT_NE(first.loss, second.loss);
  counter = 0;
  const StepResult again = forward_backward(c.decoder(), pointers(documents), options, &counter);
  EXPECT_EQ(first.loss, again.loss);
  EXPECT_EQ(first_gradients, c.gradients());
  EXPECT_NE(first_gradients, second_gradients);
}

TEST(Optimizer, LoraPlusScalesTheRateOfB) {
  // Two models alike: B moves by the ratio, A as before (AdamW's first step is linear in the rate).
  Case usual, plus;
  const auto documents = make_documents(4);
  std::vector<std::vector<double>> moved[2];
  for (int which = 0; which < 2; ++which) {
    Case& c = which ? plus : usual;
    TrainOptions options;
    options.loraplus = which ? 16 : 0;
    Optimizer optimizer(c.model, options);
    std::vector<std::vector<double>> before;
    for (const Parameter& p : optimizer.parameters()) before.push_back(p.value.to_vector<double>());
    c.run(pointers(documents), {});
    optimizer.step(1, 1e-3, optimizer.gradient_norm());
    for (size_t i = 0; i < before.size(); ++i) {
      auto after = optimizer.parameters()[i].value.to_vector<double>();
      for (size_t j = 0; j < after.size(); ++j) after[j] -= before[i][j];
      moved[which].push_back(after);
    }
  }
  const auto names = usual.model.trainable();
  for (size_t i = 0; i < names.size(); ++i) {
    const bool b = names[i].first.ends_with("lora_B.weight");
    const double ratio = norm(moved[1][i]) / norm(moved[0][i]);
    // Values of up to 0.5 are stored after a move of 1e-3, so a move is off by 2^-25 / 1e-3.
    EXPECT_NEAR(ratio, b ? 16 : 1, (b ? 16 : 1) * 4 * 0x1p-25 / 1e-3) << names[i].first;
  }
}

TEST(Optimizer, ClipsToTheNorm) {
  Case c;
  const auto documents = make_documents(4);
  TrainOptions options;
  options.clip = 1e-3;
  Optimizer optimizer(c.model, options);
  c.run(pointers(documents), {});
  double sum = 0;
  for (const Parameter& p : optimizer.parameters()) {
    const double n = norm(p.value.grad().to_vector<double>());
    sum += n * n;
  }
  const double length = optimizer.gradient_norm();
  EXPECT_NEAR(length, std::sqrt(sum), 0x1p-23 * length);
  ASSERT_GT(length, options.clip);
  optimizer.step(1, 1e-3, length);
  // m = (1 - beta1) * clipped gradient.
  double clipped = 0;
  for (const Parameter& p : optimizer.parameters()) {
    const double n = norm(p.m.to_vector<double>()) / (1 - options.beta1);
    clipped += n * n;
  }
  // beta1 and the factor are f32; the factor leaves out 1e-6 of the norm.
  EXPECT_NEAR(std::sqrt(clipped), options.clip, options.clip * (16 * 0x1p-24 + 1e-6 / length));
}

TEST(Optimizer, NeedsSomethingToTrain) {
  TempFolder folder;
  const Model model = Model::load(write_tiny_model(folder / "m"), {.device = "cpu"});
  test::expect_error(ErrorCode::argument, {"trains nothing"}, [&] { Optimizer(model, {}); });
}

}  // namespace
}  // namespace pewter

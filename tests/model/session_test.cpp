// A session's logits have the same bits however its tokens come: as a prompt in pieces, or one by
// one through the captured step, alone or beside another session.
#include "model/session.h"

#include <gtest/gtest.h>

#include "model/placement.h"
#include "support/quantised_model.h"

namespace pewter {
namespace {

using Logits = std::vector<float>;

std::vector<int32_t> some_ids(size_t count, uint32_t seed) {
  std::vector<int32_t> ids(count);
  for (int32_t& id : ids) id = static_cast<int32_t>((seed = seed * 1664525 + 1013904223) >> 23);
  return ids;
}

// Fed as a piece of each size, the last size for all that is left.
Logits fed(const Decoder& decoder, std::span<const int32_t> ids, const std::vector<size_t>& sizes) {
  Session session(decoder, static_cast<int64_t>(ids.size()));
  Logits last;
  for (size_t i = 0; !ids.empty(); ++i) {
    const size_t n = std::min(sizes[std::min(i, sizes.size() - 1)], ids.size());
    last = session.feed(ids.first(n));
    ids = ids.subspan(n);
  }
  return last;
}

// The same tokens without a cache.
Logits forward(const Decoder& decoder, std::span<const int32_t> ids) {
  NoGrad off;
  const auto tokens = static_cast<int64_t>(ids.size());
  const Device device = decoder.device();
  const Tensor hidden =
      decoder.hidden(from_values(ids, {1, tokens}, {i32, device}), one_sequence(tokens, 0, device),
                     {.activations = kGeneration});
  return decoder.logits(contiguous(hidden.slice(1, tokens - 1, tokens)), kGeneration)
      .to_vector<float>();
}

TEST(Session, KeepsItsBitsHoweverItIsFed) {
  const Model plain = Model::load(std::string(PEWTER_DATA_DIR) + "/small", {.device = "cpu"});
  const Model quantised = test::quantised_model();
  for (const Model* model : {&plain, &quantised}) {
    const Decoder& decoder = model->impl().decoder;
    const auto ids = some_ids(600, 7);  // more than the 512 rows of one piece
    const Logits whole = fed(decoder, ids, {600});
    EXPECT_EQ(whole, forward(decoder, ids)) << "without a cache";
    for (const std::vector<size_t>& sizes :
         std::vector<std::vector<size_t>>{{1}, {1, 513, 2}, {511, 1}, {512, 88}, {300, 1, 299}}) {
      EXPECT_EQ(fed(decoder, ids, sizes), whole) << "pieces of " << sizes[0] << ", ...";
    }
  }
}

TEST(Session, InterleavedSessionsKeepTheirBits) {
  const Model model = test::quantised_model();
  const Decoder& decoder = model.impl().decoder;
  const auto one = some_ids(24, 1), two = some_ids(24, 2);
  std::vector<Logits> expected[2];
  for (size_t n = 3; n <= one.size(); ++n) {
    expected[0].push_back(forward(decoder, std::span(one).first(n)));
    expected[1].push_back(forward(decoder, std::span(two).first(n)));
  }
  Session first(decoder, 24), second(decoder, 24);
  EXPECT_EQ(first.feed(std::span(one).first(3)), expected[0][0]);
  EXPECT_EQ(second.feed(std::span(two).first(3)), expected[1][0]);
  for (size_t n = 3; n < one.size(); ++n) {
    EXPECT_EQ(first.feed(std::span(&one[n], 1)), expected[0][n - 2]) << "first, token " << n;
    EXPECT_EQ(second.feed(std::span(&two[n], 1)), expected[1][n - 2]) << "second, token " << n;
  }
}

// What the captured step reads is the session's own: other tensors never come to lie there.
TEST(Session, StepsKeepTheirInputsToThemselves) {
  const Model model = test::quantised_model();
  const Decoder& decoder = model.impl().decoder;
  const auto ids = some_ids(8, 3);
  Session session(decoder, 8);
  session.feed(std::span(ids).first(4));
  session.feed(std::span(&ids[4], 1));
  // As small as the inputs, and enough to use every block of that size that is free.
  std::vector<Tensor> others;
  for (int i = 0; i < 1000; ++i) others.push_back(full({1, 1}, 3, {i32, decoder.device()}));
  for (size_t n = 5; n < ids.size(); ++n) {
    EXPECT_EQ(session.feed(std::span(&ids[n], 1)), forward(decoder, std::span(ids).first(n + 1)));
  }
}

}  // namespace
}  // namespace pewter

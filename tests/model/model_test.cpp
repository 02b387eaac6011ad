// What changes a model does so as a whole or not at all; what cannot be opened is named.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "model/model_impl.h"

namespace pewter {
namespace {

const std::string kSmall = std::string(PEWTER_DATA_DIR) + "/small";
const std::vector<int32_t> kIds = {5, 6, 7, 8};

// Leaves 256 KiB of memory, in which the first terms fit but not all.
void expect_unchanged_without_memory(const std::function<void(Model&)>& change) {
  const Device cpu("cpu");
  const int64_t budget = memory_use(cpu).budget;
  Model model = Model::load(kSmall, {.device = "cpu"});
  const auto before = model.logits(kIds).to_vector<float>();
  release_cached_memory(cpu);
  set_memory_budget(cpu, memory_use(cpu).live + (256 << 10));
  try {
    change(model);
    ADD_FAILURE() << "it all fitted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::out_of_memory) << e.what();
  }
  set_memory_budget(cpu, budget);
  EXPECT_FALSE(model.has_adapter());
  EXPECT_EQ(model.trainable_count(), 0);
  EXPECT_EQ(model.logits(kIds).to_vector<float>(), before);
  change(model);  // nothing is in the way of a second try
  EXPECT_GT(model.trainable_count(), 0);
}

const LoraConfig kConfig = {.rank = 64, .alpha = 8, .targets = {"all-linear"}};

TEST(ModelChanges, AddLoraIsWholeOrNothing) {
  expect_unchanged_without_memory([](Model& model) { model.add_lora(kConfig); });
}

TEST(ModelChanges, LoadAdapterIsWholeOrNothing) {
  const std::string folder = ::testing::TempDir() + "/pewter-adapter-test";
  Model other = Model::load(kSmall, {.device = "cpu"});
  other.add_lora(kConfig);
  other.save_adapter(folder);
  expect_unchanged_without_memory([&](Model& model) { model.load_adapter(folder, true); });
  std::filesystem::remove_all(folder);
}

TEST(ModelChanges, MakeTrainableIsWholeOrNothing) {
  expect_unchanged_without_memory([](Model& model) { model.make_trainable(); });
}

TEST(ModelFolder, SaysWhatItCannotLookAt) {
  const std::string before = model_folder();
  const std::string link = ::testing::TempDir() + "/pewter-model-folder-test";
  std::filesystem::remove(link);
  std::filesystem::create_symlink(link, link);
  set_model_folder(link);
  try {
    Model::load("smollm2-135m");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::io);
    EXPECT_NE(std::string(e.what()).find(link), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("symbolic links"), std::string::npos) << e.what();
  }
  set_model_folder(before);
  std::filesystem::remove(link);
}

}  // namespace
}  // namespace pewter

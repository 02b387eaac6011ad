// adapter_logits MODEL ADAPTER OUT.npy ID...: pewter's logits f32 [T, V] after each of the ids, for
// tools/golden/check_adapter_in_peft.py.
#include <cstdlib>

#include "io/npy.h"
#include "pewter/model.h"

int main(int argc, char** argv) {
  if (argc < 5) {
    fmt::print(stderr, "adapter_logits MODEL ADAPTER OUT.npy ID...\n");
    return 2;
  }
  try {
    pewter::Model model = pewter::Model::load(argv[1], {.device = "cpu"});
    model.load_adapter(argv[2]);
    std::vector<int32_t> ids;
    for (int i = 4; i < argc; ++i) ids.push_back(std::atoi(argv[i]));
    const pewter::Tensor logits = model.logits(ids);
    const auto values = logits.to_vector<float>();
    const std::vector<int64_t> shape(logits.shape().begin(), logits.shape().end());
    pewter::io::write_npy(argv[3], pewter::io::NpyType::f4, shape,
                          std::as_bytes(std::span(values)));
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "adapter_logits: {}\n", e.what());
    return 1;
  }
}

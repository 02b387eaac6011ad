// first_steps [STEPS [OUT]]: two matrices multiplied, then a small model fine-tuned and asked.
#include <pewter/pewter.h>

#include <iostream>

using namespace pewter;

int main(int argc, char** argv) try {
  Tensor a = randn({64, 64}, {.dtype = f16});  // queued, nothing waits
  Tensor b = randn({64, 64}, {.dtype = f16}, 1);
  std::cout << matmul(a, b).to_vector<float>()[0] << "\n";  // the one wait

  Model model = Model::load("data/small", {.device = "cpu"});
  model.add_lora({.rank = 16, .alpha = 32, .targets = all_linear});
  const int64_t steps = argc > 1 ? std::stoll(argv[1]) : 300;
  const std::string out = argc > 2 ? argv[2] : "adapter";
  train(model, Dataset::jsonl("data/home/train.jsonl"), {.steps = steps, .out = out});
  const std::string prompt = model.chat_prompt({{"user", "turn on the hallway heater"}});
  model.generate(prompt, {.max_tokens = 40}, [](std::string_view piece) { std::cout << piece; });
  std::cout << "\n";
} catch (const std::exception& e) {
  std::cerr << e.what() << "\n";
  return 1;
}

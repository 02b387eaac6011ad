// The README's example, compiled by the build and run by the tests on the small embedded model.
#include <pewter/pewter.h>

#include <iostream>

using namespace pewter;

int main(int argc, char** argv) {
  const std::string source = argc > 1 ? argv[1] : "data/small";
  const std::string data = argc > 2 ? argv[2] : "data/home/train.jsonl";
  const std::string out = argc > 3 ? argv[3] : "adapter";
  const int64_t steps = argc > 4 ? std::stoll(argv[4]) : 300;
  try {
    Tensor a = randn({64, 64}, {.dtype = f16});  // queued, nothing waits
    Tensor b = randn({64, 64}, {.dtype = f16}, 1);
    std::cout << matmul(a, b).to_vector<float>()[0] << "\n";  // the one wait

    Model model = Model::load(source, {.device = "cpu"});
    model.add_lora({.rank = 16, .alpha = 32, .targets = all_linear});
    train(model, Dataset::jsonl(data), {.steps = steps, .out = out});
    const std::string prompt = model.chat_prompt({{"user", "turn on the hallway heater"}});
    model.generate(prompt, {.max_tokens = 40}, [](std::string_view piece) { std::cout << piece; });
    std::cout << "\n";
  } catch (const Error& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
}

// Checks of what was typed. They come before anything is read, and name the flag.
#include <array>
#include <cmath>

#include "command.h"

namespace pewter::cli {
namespace {

template <typename Fine>
CLI::Validator number(Fine fine, std::string range) {
  return CLI::Validator(
      [fine, range = std::move(range)](const std::string& text) {
        double value = 0;
        if (!CLI::detail::lexical_cast(text, value)) {
          return fmt::format("'{}' is not a number", text);
        }
        return std::isfinite(value) && fine(value)
                   ? std::string()
                   : fmt::format("{} is given; it must be {}", text, range);
      },
      "");
}

// Fields of TrainOptions and LoraConfig whose flags are called otherwise, and those that are alike.
constexpr auto kFlags = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"seq_len", "--seq-len"},
     {"learning_rate", "--lr"},
     {"weight_decay", "--weight-decay"},
     {"eval_every", "--eval-every"},
     {"checkpoint_every", "--checkpoint-every"},
     {"eval_exact_match", "--exact-match"},
     {"steps", "--steps"},
     {"epochs", "--epochs"},
     {"batch", "--batch"},
     {"accumulate", "--accumulate"},
     {"schedule", "--schedule"},
     {"warmup", "--warmup"},
     {"clip", "--clip"},
     {"loraplus", "--loraplus"},
     {"seed", "--seed"},
     {"raw", "--raw"},
     {"rank", "--rank"},
     {"alpha", "--alpha"},
     {"rslora", "--rslora"},
     {"dropout", "--dropout"},
     {"targets", "--targets"},
     {"device", "--device"},
     {"max_tokens", "--max-tokens"}});

}  // namespace

CLI::Validator finite() {
  return number([](double) { return true; }, "finite");
}
CLI::Validator at_least(double least) {
  return number([least](double v) { return v >= least; }, fmt::format("{} or more", least));
}
CLI::Validator above(double bound) {
  return number([bound](double v) { return v > bound; }, fmt::format("above {}", bound));
}
CLI::Validator in_range(double least, double most) {
  return number([=](double v) { return v >= least && v <= most; },
                fmt::format("from {} to {}", least, most));
}
CLI::Validator share() {
  return number([](double v) { return v >= 0 && v < 1; }, "0 or more and below 1");
}
CLI::Validator not_empty() {
  return CLI::Validator(
      [](const std::string& text) { return text.empty() ? "must not be empty" : std::string(); },
      "");
}

// Only at the place where a field stands first: paths and values keep their names.
std::string in_flags(const std::string& message) {
  const size_t bracket = message.find("] ");
  if (!message.starts_with('[') || bracket == std::string::npos) return message;
  constexpr std::string_view kResume = "cannot resume: ";
  size_t at = bracket + 2;
  if (std::string_view(message).substr(at).starts_with(kResume)) at += kResume.size();
  const size_t end = std::min(message.find_first_of(" :", at), message.size());
  const std::string_view field = std::string_view(message).substr(at, end - at);
  for (const auto& [name, flag] : kFlags) {
    if (name == field) return message.substr(0, at) + std::string(flag) + message.substr(end);
  }
  return message;
}

}  // namespace pewter::cli

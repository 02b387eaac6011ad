// What a Model is made of. The files stay open: weights on the CPU are their mapping.
#pragma once

#include <mutex>
#include <optional>

#include "decoder.h"
#include "io/chat_template.h"
#include "io/peft_adapter.h"
#include "io/weights.h"
#include "pewter/model.h"

namespace pewter {

struct Model::Impl {
  Impl(std::string source, io::ModelFiles files, Device device)
      : source(std::move(source)), files(std::move(files)), decoder(this->files, device) {}
  std::string source;
  io::ModelFiles files;
  Decoder decoder;
  std::optional<LoraConfig> lora;
  std::optional<io::AdapterConfig> loaded;  // of an adapter that was read
  bool full = false;                        // all parameters train

  // Parsed once, when it is first asked for. Throws ErrorCode::format if the model has none.
  const io::ChatTemplate& chat_template();

 private:
  std::once_flag parsed_;
  std::optional<io::ChatTemplate> chat_template_;
};

// The linears with a low-rank term, in model order.
std::vector<Linear*> adapted(Decoder& decoder);

}  // namespace pewter

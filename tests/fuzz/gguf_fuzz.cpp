// A GGUF file as such, then as a model with its tokenizer.
#include "fuzz_support.h"
#include "io/gguf.h"
#include "io/model_files_builder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pewter;
  return fuzz::run_limited(size, fuzz::kBase, fuzz::kFactor, [&] {
    const io::GgufFile file = io::GgufFile::parse(fuzz::file_of(data, size));
    for (const io::HostTensor& tensor : file.tensors()) {
      fuzz::touch(tensor.data);
      fuzz::require(file.find_tensor(tensor.name) == &tensor, "a tensor is found by its name");
    }
    const io::ModelFiles model = io::read_gguf_model(file);
    for (const auto& [name, tensor] : model.tensors()) fuzz::touch(tensor.data);
  });
}

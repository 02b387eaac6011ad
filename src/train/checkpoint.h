// A checkpoint is a folder that holds all that training changes, so that a run resumed from it goes
// on in the same bits: parameters (as a PEFT adapter, usable as such, or as parameters.safetensors
// when all of the model trains), optimizer.safetensors (AdamW's moments) and state.json (step,
// place in the data, dropout counter, and what the run was asked to do). The folder is replaced as
// one: a process killed at any moment leaves a whole one.
#pragma once

#include <filesystem>
#include <optional>

#include "io/json_file.h"
#include "train/optimizer.h"

namespace pewter {

struct TrainState {
  int64_t step = 0;           // steps taken; the schedule's position too
  int64_t data_position = 0;  // in the sampler's stream
  uint64_t dropout_counter = 0;
  int64_t tokens = 0;           // of the examples
  int64_t tokens_computed = 0;  // that went through the model: shared beginnings once
  double seconds = 0;           // in all
  double step_seconds = 0;      // of them, in steps
};

// What must be the same for a resumed run to end in the same bits: each option of `options` that
// training depends on, the data, the model with its adapter, the device and, on the CPU, the
// instruction set. Models are told apart by the names, dtypes, shapes and first 4 KiB of their
// weights. `tokens_hash` covers the examples as the model sees them.
io::Json fingerprint(const Model& model, const TrainOptions& options, int64_t steps,
                     uint64_t data_hash, uint64_t tokens_hash);

void write_checkpoint(const std::filesystem::path& folder, const Model& model,
                      const Optimizer& optimizer, const TrainState& state,
                      const io::Json& fingerprint);

// Puts parameters and moments back; nothing if there is no checkpoint. Throws ErrorCode::argument
// where the fingerprint differs, naming the field and both values, and ErrorCode::format for files
// that are not what write_checkpoint() wrote.
std::optional<TrainState> read_checkpoint(const std::filesystem::path& folder, Optimizer* optimizer,
                                          const io::Json& fingerprint);

// What an earlier run left in a folder (its checkpoint and log), out of the way under other names.
// Where that fails everything is as it was, and the constructor throws ErrorCode::io. It is put
// back, and the new run's log removed, unless drop() was called, which is when the new run has a
// checkpoint of its own; after a kill it stays under the other names (checkpoint.previous,
// log.previous.jsonl).
class EarlierRun {
 public:
  explicit EarlierRun(std::filesystem::path out);
  ~EarlierRun();
  EarlierRun(const EarlierRun&) = delete;
  EarlierRun& operator=(const EarlierRun&) = delete;
  void drop();

 private:
  void put_back();

  std::filesystem::path checkpoint_, log_, old_checkpoint_, old_log_;
  bool aside_ = false;
};

}  // namespace pewter

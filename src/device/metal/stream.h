// How ops reach Metal. Work is handed over as a callable that encodes it; the queue, the command
// buffer and its encoders are the stream's (queue.h). Light on purpose: whoever encodes includes
// encoder.h and with it the bindings, others need not know them.
#pragma once

#include "device/backend.h"
#include "device/graph.h"

namespace pewter::metal {

class Encoder;

inline bool is_metal(Device d) {
  return d.kind() == DeviceKind::metal || d.kind() == DeviceKind::metal_sim;
}
// Metal on Apple's systems, software Metal elsewhere: a process has one of them at most.
Device this_device();
// Why it is not present; empty when it is.
const std::string& problem();
// Throws ErrorCode::device when it is not present.
Backend& backend();

// Encodes now, in program order. An exception that leaves the callable becomes an Error that names
// `op`. The callable must neither allocate nor free a tensor, nor wait.
void encode(const char* op, void (*call)(void* context, Encoder& encoder), void* context);

template <typename Run>
void encode_with(const char* op, Run& run) {
  encode(
      op, [](void* context, Encoder& e) { (*static_cast<Run*>(context))(e); },
      const_cast<void*>(static_cast<const void*>(&run)));
}

// `run` takes an Encoder&. While a capture is under way on this thread it is kept as well, to be
// encoded again.
template <typename Run>
void submit(const char* op, Run run) {
  if (Graph::Impl* graph = recording(backend())) {
    graph->work.push_back({op, [op, run] { encode_with(op, run); }});
  }
  encode_with(op, run);
}

}  // namespace pewter::metal

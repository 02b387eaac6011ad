// NSException.
#pragma once

#include "sim/metal/foundation/collections.h"

namespace metal_sim {

struct Exception : Object {
  SIM_CLASS(Exception, NSException)
  Ref<String> name, reason;
  Ref<Dictionary> info;
  Exception* init_with(String* name, String* reason, Dictionary* info);
  void raise_it();
  String* describe();
};

void register_exception();

}  // namespace metal_sim

// NSError and the ways this library makes one.
#pragma once

#include "sim/metal/foundation/collections.h"

namespace metal_sim {

struct Error : Object {
  SIM_CLASS(Error, NSError)
  Ref<String> domain;
  long code = 0;
  Ref<Dictionary> info;

  Error* init_with(String* domain, long code, Dictionary* info);
  Dictionary* user_info() const;
  String* localized_description();
  String* from_info(id key) const;
  String* failure_reason() const;
  String* recovery_suggestion() const;
  String* describe();
  id copy_with_zone(void* zone);
};

Error* error_with(id domain, long code, std::string_view description);       // autoreleased
Error* file_error(long code, std::string_view what, std::string_view path);  // NSCocoaErrorDomain

}  // namespace metal_sim

extern "C" {
extern objc_object *NSLocalizedDescriptionKey, *NSCocoaErrorDomain, *MTLLibraryErrorDomain,
    *MTLCommandBufferErrorDomain, *MTLCommandBufferEncoderInfoErrorKey;
}

#include "sim/metal/foundation/error.h"

SIM_STRING(NSLocalizedDescriptionKey, "NSLocalizedDescription");
SIM_STRING(NSLocalizedFailureReasonErrorKey, "NSLocalizedFailureReason");
SIM_STRING(NSLocalizedRecoverySuggestionErrorKey, "NSLocalizedRecoverySuggestion");
SIM_STRING(NSLocalizedRecoveryOptionsErrorKey, "NSLocalizedRecoveryOptions");
SIM_STRING(NSLocalizedFailureErrorKey, "NSLocalizedFailure");
SIM_STRING(NSUnderlyingErrorKey, "NSUnderlyingError");
SIM_STRING(NSDebugDescriptionErrorKey, "NSDebugDescription");
SIM_STRING(NSStringEncodingErrorKey, "NSStringEncodingErrorKey");
SIM_STRING(NSURLErrorKey, "NSURL");
SIM_STRING(NSFilePathErrorKey, "NSFilePath");
SIM_STRING(NSHelpAnchorErrorKey, "NSHelpAnchor");
SIM_STRING(NSCocoaErrorDomain, "NSCocoaErrorDomain");
SIM_STRING(NSPOSIXErrorDomain, "NSPOSIXErrorDomain");
SIM_STRING(NSOSStatusErrorDomain, "NSOSStatusErrorDomain");
SIM_STRING(NSMachErrorDomain, "NSMachErrorDomain");

namespace metal_sim {

Error* Error::init_with(String* new_domain, long new_code, Dictionary* new_info) {
  domain = Ref<String>(new_domain);
  code = new_code;
  info = Ref<Dictionary>(new_info);
  return this;
}
Dictionary* Error::user_info() const {
  return info ? info.get() : dictionary_ref({}).autoreleased();
}
String* Error::from_info(id key) const {
  return info ? static_cast<String*>(info->object_for(key)) : nullptr;
}
String* Error::localized_description() {
  if (String* given = from_info(NSLocalizedDescriptionKey)) return given;
  return string("The operation couldn\xe2\x80\x99t be completed. (" +
                std::string(text(domain.get())) + " error " + std::to_string(code) + ".)");
}
String* Error::failure_reason() const { return from_info(NSLocalizedFailureReasonErrorKey); }
String* Error::recovery_suggestion() const {
  return from_info(NSLocalizedRecoverySuggestionErrorKey);
}
String* Error::describe() {
  return string("Error Domain=" + std::string(text(domain.get())) + " Code=" +
                std::to_string(code) + " \"" + std::string(text(localized_description())) + "\"");
}
id Error::copy_with_zone(void*) { return retain(this); }

Error* error_with(id domain, long code, std::string_view description) {
  auto info = dictionary_ref({});
  info->put(NSLocalizedDescriptionKey, string_ref(description).autoreleased());
  return static_cast<Error*>(
      autorelease(make<Error>()->init_with(static_cast<String*>(domain), code, info.get())));
}

Error* file_error(long code, std::string_view what, std::string_view path) {
  return error_with(NSCocoaErrorDomain, code, std::string(what) + " (" + std::string(path) + ")");
}

}  // namespace metal_sim

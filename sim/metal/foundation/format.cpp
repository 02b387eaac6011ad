// +stringWithFormat: and NSLog: printf's conversions with %@ (an object's description) and %S
// added.
#include <cstdio>
#include <cstring>

#include "sim/metal/foundation/string.h"

namespace metal_sim {
namespace {

struct Spec {
  std::string text;    // "%-8.3" as given, without modifiers
  std::string length;  // "", "l", "ll", "h", "z", "q", ...
  char conversion = 0;
  int stars = 0;
};

Spec parse(std::string_view format, size_t& at) {
  Spec s;
  s.text = "%";
  while (at < format.size() && std::strchr("-+ #0'123456789.*$", format[at])) {
    s.stars += format[at] == '*';
    s.text += format[at++];
  }
  while (at < format.size() && std::strchr("hlqLzjt", format[at])) s.length += format[at++];
  if (at < format.size()) s.conversion = format[at++];
  return s;
}

template <typename T>
void print(std::string& out, const Spec& s, const char* length, const int* stars, T value) {
  const std::string format = s.text + length + s.conversion;
  char small[256];
  const auto run = [&](char* to, size_t room) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (s.stars == 2) return std::snprintf(to, room, format.c_str(), stars[0], stars[1], value);
    if (s.stars == 1) return std::snprintf(to, room, format.c_str(), stars[0], value);
    return std::snprintf(to, room, format.c_str(), value);
#pragma GCC diagnostic pop
  };
  const int n = run(small, sizeof small);
  if (n < 0) return;
  if (static_cast<size_t>(n) < sizeof small) {
    out.append(small, static_cast<size_t>(n));
    return;
  }
  std::string big(static_cast<size_t>(n) + 1, 0);
  run(big.data(), big.size());
  out.append(big, 0, static_cast<size_t>(n));
}

std::string described(id object) {
  if (!object) return "(null)";
  static const SEL name = selector("description");
  return std::string(text(send<id>(object, name)));
}

void integer(std::string& out, const Spec& s, const int* stars, va_list* arguments) {
  const bool is_long = s.length == "l" || s.length == "ll" || s.length == "q" || s.length == "z" ||
                       s.length == "t" || s.length == "j";
  if (is_long) {
    print(out, s, "l", stars, va_arg(*arguments, long));
  } else {
    print(out, s, s.length.c_str(), stars, va_arg(*arguments, int));
  }
}

void convert(std::string& out, Spec s, va_list* arguments) {
  int stars[2] = {};
  for (int i = 0; i < s.stars && i < 2; ++i) stars[i] = va_arg(*arguments, int);
  switch (s.conversion) {
    case '%':
      out += '%';
      return;
    case '@': {
      const std::string value = described(va_arg(*arguments, id));
      s.conversion = 's';
      return print(out, s, "", stars, value.c_str());
    }
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
    case 'c':
      return integer(out, s, stars, arguments);
    case 'D':
    case 'U':
    case 'O':
      s.conversion = static_cast<char>(std::tolower(s.conversion));
      s.length = "l";
      return integer(out, s, stars, arguments);
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
      if (s.length == "L") return print(out, s, "L", stars, va_arg(*arguments, long double));
      return print(out, s, "", stars, va_arg(*arguments, double));
    case 's': {
      const char* value = va_arg(*arguments, const char*);
      return print(out, s, "", stars, value ? value : "(null)");
    }
    case 'p':
      return print(out, s, "", stars, va_arg(*arguments, void*));
    default:
      out += s.text + s.length + s.conversion;
  }
}

}  // namespace

std::string format_text(std::string_view format, va_list given) {
  va_list arguments;
  va_copy(arguments, given);
  std::string out;
  for (size_t at = 0; at < format.size();) {
    const size_t percent = format.find('%', at);
    out += format.substr(at, percent - at);
    if (percent == std::string_view::npos) break;
    at = percent + 1;
    convert(out, parse(format, at), &arguments);
  }
  va_end(arguments);
  return out;
}

}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT void NSLogv(id format, va_list arguments) {
  std::fprintf(stderr, "%s\n", format_text(text(format), arguments).c_str());
}
SIM_EXPORT void NSLog(id format, ...) {
  va_list arguments;
  va_start(arguments, format);
  NSLogv(format, arguments);
  va_end(arguments);
}

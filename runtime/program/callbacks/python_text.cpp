#include "python_text.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "runtime/core/text.h"
#include "runtime/program/failure.h"

namespace hornfels {

std::string python_number(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value > 0 ? "inf" : "-inf";
  char digits[40];
  const std::to_chars_result exact =
      std::to_chars(digits, digits + sizeof digits, value, std::chars_format::scientific);
  const std::string scientific(digits, exact.ptr);
  const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  if (exponent < -4 || exponent >= 16)
    return scientific;
  char plain[400];
  const std::to_chars_result end =
      std::to_chars(plain, plain + sizeof plain, value, std::chars_format::fixed);
  const std::string text(plain, end.ptr);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

namespace {

/* What stands between braces. */
struct field {
  std::string name, spec;
};

[[noreturn]] void wrong(const std::string &pattern, const std::string &why) {
  throw failure(exit_usage, "error: the file name " + quoted(pattern) + ": " + why);
}

/* "[0][width][.digits]type" as printf has it, or nothing where it is not of this form. */
std::string printf_spec(const std::string &spec, bool integer) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t first = at;
    while (at < spec.size() && spec[at] >= '0' && spec[at] <= '9')
      ++at;
    return at - first <= 3;
  };
  if (!digits())
    return "";
  const size_t width = at;
  if (at < spec.size() && spec[at] == '.') {
    const size_t point = at++;
    if (!digits() || at == point + 1)
      return "";
  }
  if (at + 1 != spec.size())
    return "";
  const char type = spec[at];
  if (integer && type == 'd' && at == width)
    return "%" + spec.substr(0, at) + "lld";
  return type == 'f' || type == 'e' || type == 'g' ? "%" + spec : "";
}

std::string number(const char *pattern, double value) {
  char text[1200];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string whole(const char *pattern, int64_t value) {
  char text[1200];
  std::snprintf(text, sizeof text, pattern, static_cast<long long>(value));
  return text;
}

std::string value_text(const std::string &pattern, const field &f,
                       const std::vector<std::pair<std::string, int64_t>> &integers, const logs &reals) {
  std::string known;
  const auto refuse = [&] { wrong(pattern, quoted(f.spec) + " is no format for " + quoted(f.name)); };
  for (const auto &one : integers) {
    known += (known.empty() ? "" : ", ") + one.first;
    if (one.first != f.name)
      continue;
    if (f.spec.empty())
      return std::to_string(one.second);
    const std::string spec = printf_spec(f.spec, true);
    if (spec.empty())
      refuse();
    return spec.back() == 'd' ? whole(spec.c_str(), one.second)
                              : number(spec.c_str(), static_cast<double>(one.second));
  }
  for (const auto &one : reals) {
    known += (known.empty() ? "" : ", ") + one.first;
    if (one.first != f.name)
      continue;
    if (f.spec.empty())
      return python_number(one.second);
    const std::string spec = printf_spec(f.spec, false);
    if (spec.empty())
      refuse();
    return number(spec.c_str(), one.second);
  }
  wrong(pattern, "there is no " + quoted(f.name) + " here; there are " + known);
}

} // namespace

std::string format_fields(const std::string &pattern,
                          const std::vector<std::pair<std::string, int64_t>> &integers, const logs &reals) {
  std::string text;
  for (size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if ((c == '{' || c == '}') && at + 1 < pattern.size() && pattern[at + 1] == c) {
      text += c;
      ++at;
      continue;
    }
    if (c == '}')
      wrong(pattern, "a single }");
    if (c != '{') {
      text += c;
      continue;
    }
    const size_t end = pattern.find('}', at);
    if (end == std::string::npos)
      wrong(pattern, "a { without its }");
    const std::string inside = pattern.substr(at + 1, end - at - 1);
    const size_t colon = inside.find(':');
    text += value_text(pattern,
                       {inside.substr(0, colon), colon == std::string::npos ? "" : inside.substr(colon + 1)},
                       integers, reals);
    at = end;
  }
  return text;
}

} // namespace hornfels

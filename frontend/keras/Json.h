// JSON text to a tree in which everything knows its place.
#pragma once

#include "frontend/horn/Diagnostics.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hornfels::keras {

/// The limits on JSON. Each has an error message that names it.
namespace json_limits {
inline constexpr size_t fileBytes = size_t{64} << 20;
inline constexpr unsigned nesting = 128;
inline constexpr unsigned values = 250'000; // a ResNet of 152 layers has 40,000
} // namespace json_limits

enum class JsonKind : uint8_t { Null, Bool, Integer, Float, String, List, Object };

/// "null", "a string", "a list", ...
const char *spelling(JsonKind kind);

struct JsonKey {
  std::string text; // decoded
  frontend::SourceRange range;
};

struct Json {
  JsonKind kind = JsonKind::Null;
  bool boolean = false;
  frontend::SourceRange range;
  int64_t integer = 0;
  double real = 0;           // of a Float or an Integer
  std::string text;          // of a String, decoded: valid UTF-8, perhaps with control characters
  std::vector<JsonKey> keys; // of an Object, in the order of the text, distinct
  std::vector<Json> items;   // of a List; the values of an Object

  bool isNull() const { return kind == JsonKind::Null; }
  bool isString() const { return kind == JsonKind::String; }
  bool isList() const { return kind == JsonKind::List; }
  bool isObject() const { return kind == JsonKind::Object; }
  bool isNumber() const { return kind == JsonKind::Integer || kind == JsonKind::Float; }
  bool isFalse() const { return kind == JsonKind::Bool && !boolean; }
  bool isTrue() const { return kind == JsonKind::Bool && boolean; }

  /// The value of a key, or null.
  const Json *find(std::string_view key) const;
};

/// Parses a source of the source manager. Stops at the first mistake of syntax; keys that are there twice are
/// all reported. Nothing when there is an error.
std::optional<Json> parseJson(frontend::FileId file, const frontend::SourceManager &sources,
                              frontend::Diagnostics &diagnostics);

/// The way from the root to the innermost value or key at a byte of the text: `config.layers[2].class_name`.
/// Empty for the root itself.
std::string jsonPath(const Json &root, uint32_t at);

} // namespace hornfels::keras

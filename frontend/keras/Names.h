// Names of Keras and names of Horn.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace hornfels::keras {

/// As Keras names its layers: `MaxPooling2D` -> `max_pooling2d`, `ReLU` -> `re_lu`.
std::string snakeCase(std::string_view className);

/// A Horn identifier near `name`: letters, digits and `_` stay, anything else becomes one `_`; at most 64
/// characters. `otherwise` where nothing is left.
std::string legalName(std::string_view name, const std::string &otherwise);

/// Text for a comment: one line of printable ASCII, at most 64 characters.
std::string commentText(std::string_view text);

/// Names that are taken.
class NameSet {
public:
  bool reserve(const std::string &name) { return taken.insert(name).second; }
  bool has(const std::string &name) const { return taken.count(name) != 0; }

  /// `name`, or where that is taken `name_1`, `name_2`, ...
  std::string take(const std::string &name);

private:
  std::set<std::string> taken;
  std::map<std::string, int> numbers;
};

/// The names that the elaborator gives to layers without `name =`, in the order of their first calls.
class AutomaticNames {
public:
  /// Whether the next layer of that kind gets the name `wanted` by itself. It has the name afterwards.
  bool gives(const std::string &kind, const std::string &wanted);

private:
  std::set<std::string> taken;
  std::map<std::string, int> numbers;
};

} // namespace hornfels::keras

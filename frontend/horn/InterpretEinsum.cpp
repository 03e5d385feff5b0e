// Contractions by an equation of letters: einsum("bik,bjk->bij", a, b).
#include "frontend/horn/Interpreter.h"

#include <algorithm>
#include <fmt/format.h>

namespace hornfels::frontend {

namespace {

/// The letters of both operands and of the result.
struct Equation {
  std::string a, b, out;
};

bool isLetters(const std::string &text) {
  std::string sorted = text;
  std::sort(sorted.begin(), sorted.end());
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }) &&
         std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

std::optional<Equation> parse(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  size_t comma = text.find(','), arrow = text.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow)
    return std::nullopt;
  Equation e{text.substr(0, comma), text.substr(comma + 1, arrow - comma - 1), text.substr(arrow + 2)};
  bool isGood = isLetters(e.a) && isLetters(e.b) && isLetters(e.out) &&
                std::all_of(e.out.begin(), e.out.end(), [&](char c) {
                  return e.a.find(c) != std::string::npos || e.b.find(c) != std::string::npos;
                });
  return isGood ? std::optional(e) : std::nullopt;
}

} // namespace

/// The sum over all letters that the result has not. What occurs in one operand alone is summed there first.
Value Interpreter::einsum(const std::string &equation, const Value &a, const Value &b, SourceRange range) {
  std::optional<Equation> parsed = parse(equation);
  if (!parsed) {
    error(range, fmt::format("einsum: \"{}\" is no equation like \"bik,bjk->bij\"", equation));
    return Poison();
  }
  std::map<char, int64_t> dimensions, sizes;
  std::vector<int64_t> axes[2];
  Handle handles[2];
  Element element = options.real;
  for (int i = 0; i < 2; ++i) {
    std::string letters = i == 0 ? parsed->a : parsed->b;
    const std::string &others = i == 0 ? parsed->b : parsed->a;
    std::optional<Tensor> x = realTensor(i == 0 ? a : b, range, "einsum");
    if (!x)
      return Poison();
    if ((*x)->shape.size() != letters.size()) {
      error(range, fmt::format("einsum: \"{}\" does not name the axes of {}", letters, show(**x)));
      return Poison();
    }
    std::vector<Value> alone;
    for (size_t axis = 0; axis < letters.size(); ++axis) {
      char letter = letters[axis];
      auto [known, isNew] = sizes.emplace(letter, (*x)->shape[axis]);
      if (!isNew && known->second != (*x)->shape[axis]) {
        error(range, fmt::format("einsum: {} is {} and {}", letter, shapeText({known->second}),
                                 shapeText({(*x)->shape[axis]})));
        return Poison();
      }
      if (others.find(letter) == std::string::npos && parsed->out.find(letter) == std::string::npos)
        alone.push_back(static_cast<int64_t>(axis));
    }
    Value summed = *x;
    if (!alone.empty())
      summed = reduce(Reduction::Sum, *x, makeList(alone), false, false, range);
    for (const Value &axis : alone)
      letters[static_cast<size_t>(std::get<int64_t>(axis))] = ' ';
    for (char letter : letters)
      if (letter != ' ')
        axes[i].push_back(dimensions.emplace(letter, static_cast<int64_t>(dimensions.size())).first->second);
    handles[i] = use(*tensorIn(summed), range);
    element = tensorIn(summed)->element;
  }
  std::vector<int64_t> out;
  Shape shape;
  for (char letter : parsed->out) {
    out.push_back(dimensions[letter]);
    shape.push_back(sizes[letter]);
  }
  if (!shape.empty() && std::count(shape.begin() + 1, shape.end(), batchSize)) {
    error(range, "einsum: the batch stays the first axis");
    return Poison();
  }
  Handle result =
      emitter.contract(handles[0], handles[1], axes[0], axes[1], out, static_cast<int64_t>(dimensions.size()));
  return tensor(result, element, shape, {tensorIn(a), tensorIn(b)});
}

} // namespace hornfels::frontend

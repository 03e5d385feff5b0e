// Index arithmetic as sums of symbols with constant factors, printed without superfluous terms.
#ifndef HORNFELS_CODEGEN_CPP_LINEAR_H
#define HORNFELS_CODEGEN_CPP_LINEAR_H

#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <string>

namespace hornfels {

/// constant + sum of factor * symbol.
struct Linear {
  struct Term {
    std::string symbol;
    int64_t factor;
  };
  int64_t constant = 0;
  llvm::SmallVector<Term, 4> terms;

  Linear() = default;
  Linear(int64_t constant) : constant(constant) {}
  static Linear symbol(std::string name) {
    Linear result;
    result.terms.push_back({std::move(name), 1});
    return result;
  }

  Linear operator+(const Linear &other) const;
  Linear operator-(const Linear &other) const { return *this + other * -1; }
  Linear operator*(int64_t factor) const;
  bool isConstant() const { return terms.empty(); }
  /// The factor of a symbol, 0 if it does not occur.
  int64_t factorOf(const std::string &symbol) const;
  Linear without(const std::string &symbol) const;

  /// As C++: "row * 16 + column + 3".
  std::string str() const;
  /// In parentheses if it is a sum.
  std::string operand() const;
};

} // namespace hornfels

#endif

// Index arithmetic as sums of symbols with constant factors, printed without superfluous terms.
#ifndef HORNFELS_CODEGEN_CPP_LINEAR_H
#define HORNFELS_CODEGEN_CPP_LINEAR_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
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

/// What symbols are multiples of.
class Multiples {
public:
  void symbol(llvm::StringRef name, int64_t divisor) { divisors[name] = divisor; }
  /// `name` is x modulo `divisor`, so that x - name is a multiple of it.
  void remainder(llvm::StringRef name, const Linear &x, int64_t divisor) { remainders[name] = {x, divisor}; }
  /// A number that divides x, 0 for x = 0; as large as is known.
  int64_t divisorOf(Linear x) const;

private:
  llvm::StringMap<int64_t> divisors;
  llvm::StringMap<std::pair<Linear, int64_t>> remainders;
};

} // namespace hornfels

#endif

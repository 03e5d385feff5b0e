#include "codegen/cpp/Linear.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include <numeric>

namespace hornfels {

Linear Linear::operator+(const Linear &other) const {
  Linear result = *this;
  result.constant += other.constant;
  for (const Term &term : other.terms) {
    auto *same = llvm::find_if(result.terms, [&](const Term &mine) { return mine.symbol == term.symbol; });
    if (same == result.terms.end())
      result.terms.push_back(term);
    else if ((same->factor += term.factor) == 0)
      result.terms.erase(same);
  }
  return result;
}

Linear Linear::operator*(int64_t factor) const {
  Linear result;
  if (factor == 0)
    return result;
  result.constant = constant * factor;
  for (const Term &term : terms)
    result.terms.push_back({term.symbol, term.factor * factor});
  return result;
}

int64_t Linear::factorOf(const std::string &symbol) const {
  for (const Term &term : terms)
    if (term.symbol == symbol)
      return term.factor;
  return 0;
}

Linear Linear::without(const std::string &symbol) const {
  Linear result = *this;
  llvm::erase_if(result.terms, [&](const Term &term) { return term.symbol == symbol; });
  return result;
}

/// Symbols with one factor stand together: "(row + r) * 16".
static llvm::SmallVector<Linear::Term, 4> gathered(llvm::ArrayRef<Linear::Term> terms) {
  llvm::SmallVector<Linear::Term, 4> result;
  for (const Linear::Term &term : terms) {
    auto *same = llvm::find_if(result, [&](const Linear::Term &other) { return other.factor == term.factor; });
    if (same == result.end() || term.factor == 1 || term.factor == -1)
      result.push_back(term);
    else
      same->symbol += " + " + term.symbol;
  }
  for (Linear::Term &term : result)
    if (term.symbol.find(" + ") != std::string::npos)
      term.symbol = "(" + term.symbol + ")";
  return result;
}

std::string Linear::str() const {
  std::string text;
  // Positive terms first, so that nothing begins with a minus if it need not.
  for (bool positive : {true, false})
    for (const Term &term : gathered(terms)) {
      if ((term.factor > 0) != positive)
        continue;
      int64_t factor = term.factor > 0 ? term.factor : -term.factor;
      text += positive ? (text.empty() ? "" : " + ") : (text.empty() ? "-" : " - ");
      text += term.symbol;
      if (factor != 1)
        text += " * " + std::to_string(factor);
    }
  if (text.empty())
    return std::to_string(constant);
  if (constant != 0)
    text += (constant > 0 ? " + " : " - ") + std::to_string(constant > 0 ? constant : -constant);
  return text;
}

std::string Linear::operand() const {
  bool atom = terms.empty() || (terms.size() == 1 && constant == 0 && terms[0].factor == 1);
  return atom ? str() : "(" + str() + ")";
}

int64_t Multiples::divisorOf(Linear x) const {
  int64_t divisor = 0;
  for (const auto &entry : remainders)
    if (std::string name = entry.first().str(); x.factorOf(name) == -1) {
      x = x.without(name) - entry.second.first;
      divisor = std::gcd(divisor, entry.second.second);
    }
  divisor = std::gcd(divisor, x.constant);
  for (const Linear::Term &term : x.terms) {
    auto known = divisors.find(term.symbol);
    divisor = std::gcd(divisor, term.factor * (known == divisors.end() ? 1 : known->second));
  }
  return divisor;
}

} // namespace hornfels

// What is checked: for each differentiable operation, uses of it with the domains of its operands.
#ifndef HORNFELS_TESTS_GRADCHECK_CASES_H
#define HORNFELS_TESTS_GRADCHECK_CASES_H

#include <string>
#include <vector>

namespace hornfels::gradcheck {

/// Where an operand's elements are drawn from: +-[low, high] when `bothSigns`, so that kinks at 0 are kept
/// clear of. With `spread` they are evenly spaced, in random order: no two are so near that a step changes
/// which is the larger.
struct Domain {
  double low = 0.2, high = 0.8;
  bool bothSigns = false, spread = false;
};

struct Operand {
  std::string name, type;
  Domain domain = {};
  /// Its gradient is compared. Others are data.
  bool differentiable = true;
  /// Elements, and the exact gradient of the sum of the result, where the convention is what is checked.
  std::vector<double> values = {}, gradient = {};
  /// Has the values of another operand, but stays where it is while that one moves.
  std::string copyOf = {};
};

struct Case {
  std::string op; // "contract"
  std::vector<Operand> operands;
  /// Defines @y from @NAME of each operand; @ is replaced by a prefix of the case.
  std::string body;
  std::string result; // type of @y
  /// Defines @z, whose slope the gradient of @y should be; empty: @y itself.
  std::string reference = {};
  /// Operands and steps are exact in f32.
  bool exactInFloat = false;
};

/// "tensor<?x3xf64>"
inline std::string real(const std::string &shape) {
  return "tensor<" + shape + (shape.empty() ? "f64>" : "xf64>");
}

/// Every unary and binary element-wise operation of the dialect, and their ties.
std::vector<Case> elementwiseCases();
std::vector<Case> selectionCases();
std::vector<Case> movementCases();
std::vector<Case> reductionCases();
std::vector<Case> contractionCases();
std::vector<Case> tokenCases();
std::vector<Case> scanCases();
std::vector<Case> windowCases();
std::vector<Case> tableCases();
/// Names of all operations with the interface DifferentiableOp, without "horn.".
std::vector<std::string> differentiableOperations();

} // namespace hornfels::gradcheck

#endif

#include "tests/numeric/Evaluate.h"

#include "ir/HornDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "passes/Pipelines.h"
#include "runtime/core/philox.h"
#include "tests/numeric/GraphData.h"
#include "llvm/ADT/TypeSwitch.h"
#include <array>
#include <functional>
#include <iostream>
#include <map>

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels::tests {

namespace {

using Shape = SmallVector<int64_t>;

struct Array {
  Shape shape;
  std::vector<double> data;
};

int64_t countOf(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

/// Calls f(index) for all indices in row-major order.
void forEach(ArrayRef<int64_t> shape, llvm::function_ref<void(ArrayRef<int64_t>)> f) {
  if (countOf(shape) == 0)
    return;
  Shape index(shape.size(), 0);
  while (true) {
    f(index);
    int64_t axis = static_cast<int64_t>(shape.size()) - 1;
    while (axis >= 0 && ++index[axis] == shape[axis])
      index[axis--] = 0;
    if (axis < 0)
      return;
  }
}

int64_t place(ArrayRef<int64_t> shape, ArrayRef<int64_t> index) {
  int64_t at = 0;
  for (auto [size, i] : llvm::zip_equal(shape, index))
    at = at * size + i;
  return at;
}

using UnaryFunction = double (*)(double);
using BinaryFunction = double (*)(double, double);

/// Null: not known.
UnaryFunction unary(StringRef op) {
  using Function = UnaryFunction;
  static const std::map<std::string, Function> functions = {
      {"neg", [](double x) { return -x; }},
      {"abs", [](double x) { return std::fabs(x); }},
      {"sign", [](double x) { return double((x > 0) - (x < 0)); }},
      {"exp", [](double x) { return std::exp(x); }},
      {"expm1", [](double x) { return std::expm1(x); }},
      {"log", [](double x) { return std::log(x); }},
      {"log1p", [](double x) { return std::log1p(x); }},
      {"sqrt", [](double x) { return std::sqrt(x); }},
      {"rsqrt", [](double x) { return 1 / std::sqrt(x); }},
      {"reciprocal", [](double x) { return 1 / x; }},
      {"square", [](double x) { return x * x; }},
      {"sin", [](double x) { return std::sin(x); }},
      {"sinh", [](double x) { return std::sinh(x); }},
      {"cos", [](double x) { return std::cos(x); }},
      {"tanh", [](double x) { return std::tanh(x); }},
      {"sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"softplus", [](double x) { return x > 30 ? x : std::log1p(std::exp(x)); }},
      {"relu", [](double x) { return x > 0 ? x : 0; }},
      {"erf", [](double x) { return std::erf(x); }},
      {"floor", [](double x) { return std::floor(x); }},
      {"ceil", [](double x) { return std::ceil(x); }},
      {"not", [](double x) { return double(x == 0); }},
      {"stop_gradient", [](double x) { return x; }}};
  auto found = functions.find(op.str());
  return found == functions.end() ? nullptr : found->second;
}

BinaryFunction binary(StringRef op) {
  using Function = BinaryFunction;
  static const std::map<std::string, Function> functions = {
      {"add", [](double a, double b) { return a + b; }},
      {"sub", [](double a, double b) { return a - b; }},
      {"mul", [](double a, double b) { return a * b; }},
      {"div", [](double a, double b) { return a / b; }},
      {"max", [](double a, double b) { return a > b ? a : b; }},
      {"min", [](double a, double b) { return a < b ? a : b; }},
      {"pow", [](double a, double b) { return std::pow(a, b); }},
      {"and", [](double a, double b) { return double(a != 0 && b != 0); }},
      {"or", [](double a, double b) { return double(a != 0 || b != 0); }}};
  auto found = functions.find(op.str());
  return found == functions.end() ? nullptr : found->second;
}

bool compare(ComparePredicate predicate, double a, double b) {
  switch (predicate) {
  case ComparePredicate::lt:
    return a < b;
  case ComparePredicate::le:
    return a <= b;
  case ComparePredicate::gt:
    return a > b;
  case ComparePredicate::ge:
    return a >= b;
  case ComparePredicate::eq:
    return a == b;
  case ComparePredicate::ne:
    return a != b;
  }
  return false;
}

/// One call of a step function.
class Evaluator {
public:
  Evaluator(func::FuncOp function, int64_t batch) : function(function), batch(batch) {}

  bool run() {
    for (Operation &op : function.getBody().front().without_terminator())
      if (!step(&op)) {
        std::cerr << "the evaluation does not know " << op.getName().getStringRef().str() << "\n";
        return false;
      }
    return true;
  }

  /// The sizes of a type at this batch.
  Shape shapeOf(Type type) const {
    Shape shape(cast<RankedTensorType>(type).getShape());
    for (int64_t &size : shape)
      size = size == kBatch ? batch : size;
    return shape;
  }

  llvm::DenseMap<Value, Array> values;
  llvm::DenseMap<Value, Rows> rows;

private:
  Array &make(Value value) {
    Array &array = values[value];
    array.shape = shapeOf(value.getType());
    array.data.assign(static_cast<size_t>(countOf(array.shape)), 0.0);
    return array;
  }

  /// y[i] = f(i)
  bool fill(Operation *op, llvm::function_ref<double(ArrayRef<int64_t>)> f) {
    Array result;
    result.shape = shapeOf(op->getResult(0).getType());
    result.data.reserve(static_cast<size_t>(countOf(result.shape)));
    forEach(result.shape, [&](ArrayRef<int64_t> index) { result.data.push_back(f(index)); });
    values[op->getResult(0)] = std::move(result);
    return true;
  }

  static double at(const Array &array, ArrayRef<int64_t> index) {
    return array.data[static_cast<size_t>(place(array.shape, index))];
  }

  /// Which element of the tensor below a window at `places` has `inside`.
  template <typename Op>
  static Shape elementOf(Op op, size_t rank, ArrayRef<int64_t> places, ArrayRef<int64_t> inside) {
    Shape element(places.take_front(rank));
    for (auto [i, axis] : llvm::enumerate(op.getAxes()))
      element[static_cast<size_t>(axis)] =
          places[static_cast<size_t>(axis)] * op.getStrides()[i] + inside[i] * op.getDilations()[i];
    return element;
  }

  bool elementwise(Operation *op) {
    StringRef name = op->getName().stripDialect();
    const UnaryFunction one = op->getNumOperands() == 1 ? unary(name) : nullptr;
    const BinaryFunction two = op->getNumOperands() == 2 ? binary(name) : nullptr;
    if (!one && !two)
      return false;
    const Array a = values.at(op->getOperand(0)), b = values.at(op->getOperand(op->getNumOperands() - 1));
    Array &y = make(op->getResult(0));
    for (size_t i = 0; i < y.data.size(); ++i)
      y.data[i] = one ? one(a.data[i]) : two(a.data[i], b.data[i]);
    return true;
  }

  bool step(Operation *op) {
    return llvm::TypeSwitch<Operation *, bool>(op)
        .Case<CompareOp>([&](CompareOp c) {
          return fill(op, [&, a = values.at(c.getA()), b = values.at(c.getB())](ArrayRef<int64_t> i) {
            return compare(c.getPredicate(), at(a, i), at(b, i));
          });
        })
        .Case<SelectOp>([&](SelectOp s) {
          return fill(op,
                      [&, c = values.at(s.getCondition()), a = values.at(s.getA()), b = values.at(s.getB())](
                          ArrayRef<int64_t> i) { return at(c, i) != 0 ? at(a, i) : at(b, i); });
        })
        .Case<CastOp>([&](CastOp c) {
          const bool whole = isa<FloatType>(c.getX().getType().getElementType()) &&
                             !isa<FloatType>(c.getY().getType().getElementType());
          return fill(op, [&, x = values.at(c.getX())](ArrayRef<int64_t> i) {
            return whole ? std::trunc(at(x, i)) : at(x, i);
          });
        })
        .Case<FullOp>([&](FullOp f) {
          return fill(op, [&](ArrayRef<int64_t>) { return f.getValue().convertToDouble(); });
        })
        .Case<ConstantOp>([&](ConstantOp c) {
          Array &y = make(c.getY());
          for (auto [i, value] : llvm::enumerate(c.getValue().getValues<APFloat>())) {
            bool lossy;
            APFloat wide = value;
            wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lossy);
            y.data[i] = wide.convertToDouble();
          }
          return true;
        })
        .Case<IotaOp>([&](IotaOp iota) {
          return fill(op, [&](ArrayRef<int64_t> i) { return double(i[iota.getAxis()]); });
        })
        .Case<BatchSizeOp>(
            [&](BatchSizeOp) { return fill(op, [&](ArrayRef<int64_t>) { return double(batch); }); })
        .Case<RandomUniformOp, RandomNormalOp>([&](auto random) { return drawRandom(random); })
        .Case<BroadcastOp>([&](BroadcastOp b) {
          return fill(op, [&, x = values.at(b.getX())](ArrayRef<int64_t> i) {
            Shape from;
            for (int64_t dim : b.getDims())
              from.push_back(i[dim]);
            return at(x, from);
          });
        })
        .Case<ReshapeOp>([&](ReshapeOp r) {
          std::vector<double> data = values.at(r.getX()).data;
          make(r.getY()).data = std::move(data);
          return true;
        })
        .Case<TransposeOp>([&](TransposeOp t) {
          return fill(op, [&, x = values.at(t.getX())](ArrayRef<int64_t> i) {
            Shape from(i.size());
            for (auto [to, axis] : llvm::enumerate(t.getPermutation()))
              from[axis] = i[to];
            return at(x, from);
          });
        })
        .Case<SliceOp>([&](SliceOp s) {
          return fill(op, [&, x = values.at(s.getX())](ArrayRef<int64_t> i) {
            Shape from;
            for (auto [place, offset, stride] : llvm::zip_equal(i, s.getOffsets(), s.getStrides()))
              from.push_back(offset + place * stride);
            return at(x, from);
          });
        })
        .Case<EmbedOp>([&](EmbedOp e) {
          const Array x = values.at(e.getX());
          Array &y = make(e.getY());
          std::fill(y.data.begin(), y.data.end(), e.getValue().convertToDouble());
          forEach(x.shape, [&](ArrayRef<int64_t> i) {
            Shape to;
            for (auto [place, offset, stride] : llvm::zip_equal(i, e.getOffsets(), e.getStrides()))
              to.push_back(offset + place * stride);
            y.data[static_cast<size_t>(place(y.shape, to))] = at(x, i);
          });
          return true;
        })
        .Case<ConcatOp>([&](ConcatOp c) {
          return fill(op, [&](ArrayRef<int64_t> i) {
            Shape from(i);
            for (Value part : c.getXs()) {
              const Array &x = values.at(part);
              if (from[c.getAxis()] < x.shape[c.getAxis()])
                return at(x, from);
              from[c.getAxis()] -= x.shape[c.getAxis()];
            }
            return double(NAN);
          });
        })
        .Case<ReduceSumOp>(
            [&](ReduceSumOp r) { return reduce(r, 0, [](double a, double b) { return a + b; }); })
        .Case<ReduceProdOp>(
            [&](ReduceProdOp r) { return reduce(r, 1, [](double a, double b) { return a * b; }); })
        .Case<ReduceMaxOp>([&](ReduceMaxOp r) {
          return reduce(r, -INFINITY, [](double a, double b) { return a > b ? a : b; });
        })
        .Case<ReduceMinOp>([&](ReduceMinOp r) {
          return reduce(r, INFINITY, [](double a, double b) { return a < b ? a : b; });
        })
        .Case<ArgmaxOp>([&](ArgmaxOp a) {
          return fill(op, [&, x = values.at(a.getX())](ArrayRef<int64_t> i) {
            Shape from(i);
            from.insert(from.begin() + static_cast<long>(a.getAxis()), 0);
            int64_t best = 0;
            double largest = -INFINITY;
            for (int64_t k = 0; k < x.shape[a.getAxis()]; ++k) {
              from[a.getAxis()] = k;
              if (at(x, from) > largest) {
                largest = at(x, from);
                best = k;
              }
            }
            return double(best);
          });
        })
        .Case<ContractOp>([&](ContractOp c) { return contract(c); })
        .Case<WindowsOp>([&](WindowsOp w) {
          return fill(op, [&, x = values.at(w.getX())](ArrayRef<int64_t> i) {
            return at(x, elementOf(w, x.shape.size(), i.take_front(x.shape.size()), i.drop_front(x.shape.size())));
          });
        })
        .Case<FoldOp>([&](FoldOp f) {
          const Array x = values.at(f.getX());
          Array &y = make(f.getY());
          forEach(x.shape, [&](ArrayRef<int64_t> i) {
            Shape to = elementOf(f, y.shape.size(), i.take_front(y.shape.size()), i.drop_front(y.shape.size()));
            y.data[static_cast<size_t>(place(y.shape, to))] += at(x, i);
          });
          return true;
        })
        .Case<WindowMaxOp, WindowSumOp, WindowArgmaxOp>([&](auto w) {
          return fill(op, [&, x = values.at(w.getX())](ArrayRef<int64_t> i) {
            double sum = 0, largest = -INFINITY, best = 0, number = 0;
            forEach(w.getSizes(), [&](ArrayRef<int64_t> inside) {
              const double element = at(x, elementOf(w, x.shape.size(), i, inside));
              sum += element;
              if (element > largest)
                largest = element, best = number;
              ++number;
            });
            return isa<WindowSumOp>(op) ? sum : isa<WindowMaxOp>(op) ? largest : best;
          });
        })
        .Case<GatherOp>([&](GatherOp g) {
          return fill(op, [&, ids = values.at(g.getIds()), table = values.at(g.getTable())](ArrayRef<int64_t> i) {
            Shape from{static_cast<int64_t>(at(ids, i.take_front(ids.shape.size())))};
            from.append(i.begin() + static_cast<long>(ids.shape.size()), i.end());
            return at(table, from);
          });
        })
        .Case<ScatterOp>([&](ScatterOp s) {
          const Array ids = values.at(s.getIds()), x = values.at(s.getRows());
          Array &y = make(s.getY());
          forEach(x.shape, [&](ArrayRef<int64_t> i) {
            Shape to{static_cast<int64_t>(at(ids, i.take_front(ids.shape.size())))};
            to.append(i.begin() + static_cast<long>(ids.shape.size()), i.end());
            y.data[static_cast<size_t>(place(y.shape, to))] += at(x, i);
          });
          return true;
        })
        .Case<MultiHotOp, CountOp>([&](auto encode) {
          Array &y = make(encode.getY());
          const Rows &tokens = rows.at(encode.getTokens());
          for (int64_t row = 0; row < batch; ++row)
            for (int64_t at = tokens.offsets[row]; at < tokens.offsets[row + 1]; ++at) {
              double &element = y.data[static_cast<size_t>(row * y.shape[1] + tokens.ids[at])];
              element = isa<CountOp>(op) ? element + 1 : 1;
            }
          return true;
        })
        .Case<GatherSumOp>(
            [&](GatherSumOp g) { return sumRows(op, g.getTokens(), values.at(g.getTable()), true); })
        .Case<ScatterAddOp>(
            [&](ScatterAddOp s) { return sumRows(op, s.getTokens(), values.at(s.getRows()), false); })
        .Default([&](Operation *other) { return elementwise(other); });
  }

  template <typename Op> bool drawRandom(Op op) {
    constexpr bool isUniform = std::is_same_v<Op, RandomUniformOp>;
    const bool wide = op.getY().getType().getElementType().isF64();
    const auto seed = static_cast<uint64_t>(values.at(op.getSeed()).data[0]),
               count = static_cast<uint64_t>(values.at(op.getStep()).data[0]);
    const auto stream = static_cast<uint32_t>(op.getStream());
    uint64_t element = 0;
    return fill(op, [&](ArrayRef<int64_t>) -> double {
      const uint64_t e = element++;
      if (wide)
        return isUniform ? uniform<double>(seed, stream, count, e) : normal<double>(seed, stream, count, e);
      return isUniform ? uniform<float>(seed, stream, count, e) : normal<float>(seed, stream, count, e);
    });
  }

  template <typename Op> bool reduce(Op op, double start, double (*combine)(double, double)) {
    const Array x = values.at(op.getX());
    Array &y = make(op.getY());
    std::fill(y.data.begin(), y.data.end(), start);
    forEach(x.shape, [&](ArrayRef<int64_t> i) {
      Shape to;
      for (auto [axis, index] : llvm::enumerate(i))
        if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(axis)))
          to.push_back(index);
      double &element = y.data[static_cast<size_t>(place(y.shape, to))];
      element = combine(element, at(x, i));
    });
    return true;
  }

  bool contract(ContractOp op) {
    const Array a = values.at(op.getA()), b = values.at(op.getB());
    Array &y = make(op.getY());
    const Array *arrays[] = {&a, &b, &y};
    Shape domain(op.getMap(0).getNumDims(), 1);
    // Elements between neighbours along each dimension, in each array.
    SmallVector<std::array<int64_t, 3>> strides(domain.size(), {0, 0, 0});
    for (unsigned i = 0; i < 3; ++i) {
      int64_t stride = 1;
      for (size_t axis = arrays[i]->shape.size(); axis-- > 0;) {
        unsigned dim = cast<AffineDimExpr>(op.getMap(i).getResult(axis)).getPosition();
        domain[dim] = arrays[i]->shape[axis];
        strides[dim][i] += stride;
        stride *= arrays[i]->shape[axis];
      }
    }
    contract(domain, strides, a.data.data(), b.data.data(), y.data.data());
    return true;
  }

  /// y += a * b over the dimensions, outermost first
  static void contract(ArrayRef<int64_t> domain, ArrayRef<std::array<int64_t, 3>> strides, const double *a,
                       const double *b, double *y) {
    if (domain.empty()) {
      *y += *a * *b;
      return;
    }
    for (int64_t i = 0; i < domain[0]; ++i)
      if (const auto [ofA, ofB, ofY] = strides[0]; domain.size() == 1)
        y[i * ofY] += a[i * ofA] * b[i * ofB];
      else
        contract(domain.drop_front(), strides.drop_front(), a + i * ofA, b + i * ofB, y + i * ofY);
  }

  /// gather: y[row] += x[id]; scatter: y[id] += x[row]
  bool sumRows(Operation *op, Value tokenValue, const Array x, bool gathers) {
    Array &y = make(op->getResult(0));
    const Rows &tokens = rows.at(tokenValue);
    const int64_t width = countOf(ArrayRef<int64_t>(x.shape).drop_front());
    for (int64_t row = 0; row < batch; ++row)
      for (int64_t at = tokens.offsets[row]; at < tokens.offsets[row + 1]; ++at) {
        const int64_t from = gathers ? tokens.ids[at] : row, to = gathers ? row : tokens.ids[at];
        for (int64_t column = 0; column < width; ++column)
          y.data[static_cast<size_t>(to * width + column)] +=
              x.data[static_cast<size_t>(from * width + column)];
      }
    return true;
  }

  func::FuncOp function;
  int64_t batch;
};

/// Gives an argument of a step its data.
void bind(Evaluator &evaluator, func::FuncOp function, BlockArgument argument, int64_t batch, bool sets) {
  unsigned number = argument.getArgNumber();
  std::string name = function.getArgAttrOfType<StringAttr>(number, "horn.name").str();
  StringRef role = function.getArgAttrOfType<StringAttr>(number, "horn.role").getValue();
  if (auto tokens = dyn_cast<TokensType>(argument.getType())) {
    evaluator.rows[argument] = drawRows(name, batch, tokens.getVocabulary(), sets);
    return;
  }
  Array &array = evaluator.values[argument];
  array.shape = evaluator.shapeOf(argument.getType());
  const bool wide = cast<RankedTensorType>(argument.getType()).getElementType().isF64();
  if (role == "learning_rate" || role == "step" || role == "seed") {
    const double rate = wide ? kLearningRate : static_cast<double>(static_cast<float>(kLearningRate));
    array.data = {role == "seed" ? double(kSeed) : role == "step" ? 1.0 : rate};
  } else if (role == "input" || role == "target") {
    array.data = drawElements(name, batch, countOf(array.shape), -1.5, 1.5, wide);
  } else {
    auto [low, high] = rangeOf(role == "weight" || role == "state");
    array.data = drawElements(name, 0, countOf(array.shape), low, high, wide);
  }
}

} // namespace

bool evaluate(const ModelText &model, const std::vector<int64_t> &batches, std::vector<Expected> &results) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  loadDialects(context);
  const std::string text = model.print();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context, model.name + ".mlir");
  if (!module ||
      failed(runPipeline(*module, {}, [](StringRef stage, ModuleOp) { return stage != "differentiate"; })))
    return false;
  const bool sets =
      text.find(" distinct") != std::string::npos || text.find("multi_hot") != std::string::npos;
  for (int64_t batch : batches) {
    Expected expected{batch, {}, {}, {}};
    for (StringRef name : {"predict", "train_step"}) {
      auto function = module->lookupSymbol<func::FuncOp>(name);
      Evaluator evaluator(function, batch);
      for (BlockArgument argument : function.getArguments())
        bind(evaluator, function, argument, batch, sets);
      if (!evaluator.run())
        return false;
      for (OpOperand &result : function.getBody().front().getTerminator()->getOpOperands()) {
        unsigned number = result.getOperandNumber();
        StringRef role = function.getResultAttrOfType<StringAttr>(number, "horn.role").getValue();
        auto &list = role == "output"  ? expected.outputs
                     : role == "value" ? expected.metrics
                                       : expected.variables;
        list.push_back({function.getResultAttrOfType<StringAttr>(number, "horn.name").str(),
                        projection(evaluator.values.at(result.get()).data)});
      }
    }
    results.push_back(expected);
  }
  return true;
}

} // namespace hornfels::tests

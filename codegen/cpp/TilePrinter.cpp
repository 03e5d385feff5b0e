// One static tile: loops over its dimensions, the last one in lanes.
#include "codegen/cpp/KernelPrinter.h"

#include "ir/HornDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

/// How many times as far as its type says the rows of a buffer are apart: where they are elements alone, they may be places
/// of something longer (`horn.stride`). Wider rows are never next to each other.
int64_t KernelPrinter::rowSpread(Value buffer) {
  while (auto view = buffer.getDefiningOp<memref::SubViewOp>())
    buffer = view.getSource();
  auto argument = dyn_cast<BlockArgument>(buffer);
  if (!argument || argument.getOwner() != &kernel.getBody().front())
    return 1;
  auto stride = kernel.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), "horn.stride");
  return stride && stridesOf(cast<MemRefType>(buffer.getType()).getShape())[0] == 1 ? stride.getInt() : 1;
}

/// Elements between neighbours along `dim`; -1 when that is not one number.
int64_t KernelPrinter::strideAlong(Value buffer, AffineMap map, unsigned dim) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(getStridesAndOffset(type, strides, offset)))
    return -1;
  if (!strides.empty())
    strides[0] *= rowSpread(buffer);
  int64_t stride = 0;
  for (auto [axis, expr] : llvm::enumerate(map.getResults()))
    if (auto same = dyn_cast<AffineDimExpr>(expr); same && same.getPosition() == dim)
      stride += strides[axis];
  return stride;
}

/// The operation that combines a reduction's old value with a new element; null where it is none of sum, max, min.
static Operation *combiner(linalg::GenericOp tile) {
  if (tile.getDpsInits().size() != 1)
    return nullptr;
  Operation *op = tile.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  if (!op || !isa<arith::AddFOp, arith::MaximumFOp, arith::MinimumFOp, arith::AddIOp, arith::MaxSIOp, arith::MinSIOp>(op))
    return nullptr;
  Value old = tile.getBody()->getArguments().back();
  bool once = old.hasOneUse() && (op->getOperand(0) == old) != (op->getOperand(1) == old);
  return once ? op : nullptr;
}

KernelPrinter::Lanes KernelPrinter::chooseLanes(linalg::GenericOp tile) {
  SmallVector<int64_t> sizes = tile.getStaticLoopRanges();
  auto strides = [&](unsigned dim, bool ofOutputs) {
    SmallVector<int64_t> result;
    for (OpOperand &operand : tile->getOpOperands())
      if (tile.isDpsInit(&operand) == ofOutputs)
        result.push_back(strideAlong(operand.get(), tile.getMatchingIndexingMap(&operand), dim));
    return result;
  };
  auto isUnit = [](int64_t stride) { return stride == 1; };
  auto isUnitOrZero = [](int64_t stride) { return stride == 0 || stride == 1; };

  for (int dim = static_cast<int>(sizes.size()) - 1; dim >= 0; --dim) {
    if (sizes[dim] <= 1 || tile.getIteratorTypesArray()[dim] != utils::IteratorType::parallel)
      continue;
    if (llvm::all_of(strides(dim, true), isUnit) && llvm::all_of(strides(dim, false), isUnitOrZero))
      return {dim, false};
    break; // only the innermost parallel dimension can be contiguous
  }
  int last = static_cast<int>(sizes.size()) - 1;
  if (last >= 0 && sizes[last] > 1 && tile.getIteratorTypesArray()[last] == utils::IteratorType::reduction &&
      combiner(tile) && llvm::all_of(strides(last, false), isUnitOrZero))
    return {last, true};
  return {};
}

std::string KernelPrinter::loopName(unsigned dim) {
  static constexpr StringRef wishes[] = {"r", "c", "p", "q", "u", "v"};
  return names.take(wishes[std::min<size_t>(dim, std::size(wishes) - 1)]);
}

/// A copy of a matrix no wider and no higher than a vector, whose rows become columns: one call.
bool KernelPrinter::printTransposition(linalg::GenericOp tile) {
  if (tile.getNumDpsInputs() != 1 || tile.getDpsInits().size() != 1 || tile.getNumLoops() != 2)
    return false;
  Value in = tile.getDpsInputs()[0], out = tile.getDpsInits()[0];
  AffineMap from = tile.getIndexingMapsArray()[0], to = tile.getIndexingMapsArray()[1];
  SmallVector<int64_t> sizes = tile.getStaticLoopRanges();
  auto width = static_cast<int64_t>(vectorLanes);
  bool copies = tile.getBody()->getTerminator()->getOperand(0) == tile.getBody()->getArgument(0);
  for (unsigned row : {0u, 1u}) {
    unsigned column = 1 - row;
    if (!copies || sizes[row] > width || sizes[column] > width || strideAlong(in, from, row) != 1 ||
        strideAlong(out, to, column) != 1 || strideAlong(in, from, column) <= 1 || strideAlong(out, to, row) <= 1)
      continue;
    // out[row][column] = in[column][row]
    const Place &source = places[in], &target = places[out];
    Point point;
    point.index.resize(2);
    auto strideOf = [&](const Place &place, AffineMap map, unsigned dim) {
      Point one = point;
      one.index[dim] = Linear(1);
      return (offsetIn(place, map, one) - offsetIn(place, map, point)).constant;
    };
    bool whole = sizes[row] == width && sizes[column] == width;
    line("transpose" + std::string(whole ? "" : "_part") + "<" + vectorType(target.element, vectorLanes) + ">(&" +
         element(target, to, point) + ", " + Twine(strideOf(target, to, row)) + ", &" + element(source, from, point) +
         ", " + Twine(strideOf(source, from, column)) +
         (whole ? "" : ", " + std::to_string(sizes[row]) + ", " + std::to_string(sizes[column])) + ");");
    return true;
  }
  return false;
}

LogicalResult KernelPrinter::printTile(linalg::GenericOp tile) {
  for (Value operand : tile->getOperands())
    if (places.lookup(operand).panel > 0)
      return tile.emitOpError("takes a packed matrix as a whole");
  if (printTransposition(tile))
    return success();
  Point point;
  point.index.resize(tile.getNumLoops());
  Lanes lanes = chooseLanes(tile);
  if (int rows = rowsSummed(tile, lanes); rows >= 0)
    return printRowSums(tile, rows, lanes.dim);
  return printLoopsOf(tile, lanes, point, 0);
}

/// Unrolled where it indexes a register tile: the compiler keeps that in registers only then.
static std::string loopHead(const std::string &name, int64_t lower, int64_t upper, int64_t step, bool unrolls) {
  std::string head = unrolls ? "UNROLL for (long " : "for (long ";
  return head + name + " = " + std::to_string(lower) + "; " + name + " < " + std::to_string(upper) + "; " +
         (step == 1 ? "++" + name : name + " += " + std::to_string(step)) + ") {";
}

bool KernelPrinter::indexesRegisters(linalg::GenericOp tile, unsigned dim) {
  for (OpOperand &operand : tile->getOpOperands())
    if (places.lookup(operand.get()).kind == Place::registers &&
        tile.getMatchingIndexingMap(&operand).isFunctionOfDim(dim))
      return true;
  return false;
}

LogicalResult KernelPrinter::inLoop(linalg::GenericOp tile, unsigned dim, int64_t lower, int64_t upper, int64_t step,
                                    llvm::function_ref<LogicalResult(const Linear &)> body) {
  NameScope outer = names;
  std::string name = loopName(dim);
  line(loopHead(name, lower, upper, step, indexesRegisters(tile, dim)));
  ++depth;
  LogicalResult result = body(Linear::symbol(name));
  --depth;
  line("}");
  names = outer;
  return result;
}

LogicalResult KernelPrinter::printLoopsOf(linalg::GenericOp tile, const Lanes &lanes, Point point, unsigned dim) {
  if (dim == tile.getNumLoops())
    return lanes.dim < 0 ? printPoint(tile, point) : printLaneLoop(tile, lanes, point);
  int64_t size = tile.getStaticLoopRanges()[dim];
  if (static_cast<int>(dim) == lanes.dim || size == 1)
    return printLoopsOf(tile, lanes, point, dim + 1);
  return inLoop(tile, dim, 0, size, 1, [&](const Linear &place) {
    point.index[dim] = place;
    return printLoopsOf(tile, lanes, point, dim + 1);
  });
}

LogicalResult KernelPrinter::printLaneLoop(linalg::GenericOp tile, const Lanes &lanes, Point point) {
  unsigned dim = lanes.dim;
  if (lanes.reduces)
    return printReductionInLanes(tile, point, dim);
  int64_t size = tile.getStaticLoopRanges()[dim], main = size / vectorLanes * vectorLanes;
  point.lanes = vectorLanes;
  point.dim = lanes.dim;
  if (main > vectorLanes) {
    if (failed(inLoop(tile, dim, 0, main, vectorLanes, [&](const Linear &place) {
          point.index[dim] = place;
          return printPoint(tile, point);
        })))
      return failure();
  } else if (main == vectorLanes && failed(printPoint(tile, point))) {
    return failure();
  }
  if (main == size)
    return success();
  point.index[dim] = Linear(main);
  point.part = size - main;
  return printPoint(tile, point);
}

static StringRef reduceFunction(Operation *combine) {
  if (isa<arith::AddFOp, arith::AddIOp>(combine))
    return "reduce_add";
  return isa<arith::MaximumFOp, arith::MaxSIOp>(combine) ? "reduce_max" : "reduce_min";
}

static double neutral(Operation *combine) {
  Type type = combine->getResult(0).getType();
  double largest = isa<FloatType>(type) ? std::numeric_limits<double>::infinity() : 2147483647.0;
  if (isa<arith::AddFOp, arith::AddIOp>(combine))
    return 0;
  if (isa<arith::MaximumFOp, arith::MaxSIOp>(combine))
    return isa<FloatType>(type) ? -largest : -largest - 1;
  return largest;
}

/// What a reduction combines with its old value.
static Value combinedElement(linalg::GenericOp tile, Operation *combine) {
  Value old = tile.getBody()->getArguments().back();
  return combine->getOperand(0) == old ? combine->getOperand(1) : combine->getOperand(0);
}

/// "load_part<...>(...)" and nothing else.
static bool isLoadOfPart(StringRef text) {
  int nesting = 0;
  for (auto [i, c] : llvm::enumerate(text)) {
    nesting += (c == '(') - (c == ')');
    if (c == ')' && nesting == 0)
      return i + 1 == text.size() && text.starts_with("load_part<");
  }
  return false;
}

/// Whole vectors, and a last one filled up with the neutral element, into one vector of partial results.
FailureOr<std::string> KernelPrinter::printPartialResults(linalg::GenericOp tile, Point point, unsigned dim) {
  int64_t size = tile.getStaticLoopRanges()[dim], main = size / vectorLanes * vectorLanes;
  Operation *combine = combiner(tile);
  Type type = combine->getResult(0).getType();
  auto named = [&](const std::string &text, bool lanes) {
    return Expr{text, Precedence::atom, lanes, type, 0, {}};
  };
  std::string none = splat(named(literal(neutral(combine), type), false), vectorLanes);
  Point lanes = point;
  lanes.lanes = vectorLanes;
  lanes.dim = static_cast<int>(dim);
  /// What is combined at `place`; in lanes from `part` on it is the neutral element.
  auto elementAt = [&](const Linear &place, int64_t part) -> FailureOr<std::string> {
    lanes.index[dim] = place;
    lanes.part = part;
    FailureOr<SmallVector<Expr>> element = evaluate(tile, lanes, combinedElement(tile, combine));
    if (failed(element))
      return failure();
    std::string text = splat((*element)[0], vectorLanes);
    // Behind a bare load of a part the other lanes are zero already.
    if (part == 0 || (neutral(combine) == 0 && isLoadOfPart(text)))
      return text;
    return "keep_part(" + text + ", " + std::to_string(part) + ", " + none + ")";
  };
  auto add = [&](const std::string &vector, const std::string &next) -> LogicalResult {
    FailureOr<Expr> sum = expressionOf(combine, {named(vector, true), named(next, true)}, vectorLanes);
    if (failed(sum))
      return failure();
    std::string prefix = vector + " + ";
    if (StringRef(sum->text).starts_with(prefix))
      line(vector + " += " + sum->text.substr(prefix.size()) + ";");
    else
      line(vector + " = " + sum->text + ";");
    return success();
  };

  std::string vector;
  if (size <= vectorLanes) {
    FailureOr<std::string> only = elementAt(Linear(0), size % vectorLanes);
    if (failed(only))
      return failure();
    vector = *only;
  } else {
    vector = names.take("partial");
    line(vectorType(type, vectorLanes) + " " + vector + " = " + (neutral(combine) == 0 ? "{}" : none) + ";");
    auto addAt = [&](const Linear &place, int64_t part) -> LogicalResult {
      FailureOr<std::string> next = elementAt(place, part);
      return failed(next) ? failure() : add(vector, *next);
    };
    LogicalResult looped = main == vectorLanes ? addAt(Linear(0), 0)
                                               : inLoop(tile, dim, 0, main, vectorLanes,
                                                        [&](const Linear &place) { return addAt(place, 0); });
    if (failed(looped) || (main < size && failed(addAt(Linear(main), size - main))))
      return failure();
  }
  return vector;
}

/// result = combine(result, partial results)
LogicalResult KernelPrinter::printReductionInLanes(linalg::GenericOp tile, Point point, unsigned dim) {
  FailureOr<std::string> vector = printPartialResults(tile, point, dim);
  if (failed(vector))
    return failure();
  Operation *combine = combiner(tile);
  Value out = tile.getDpsInits()[0];
  AffineMap map = tile.getIndexingMapsArray().back();
  Expr all{reduceFunction(combine).str() + "(" + *vector + ")", Precedence::atom, false, combine->getResult(0).getType(), 0, {}};
  FailureOr<Expr> result = all;
  if (places[out].declared)
    result = expressionOf(combine, {read(out, map, point), all}, 1);
  if (failed(result))
    return failure();
  write(out, map, point, *result);
  return success();
}

/// As many rows as a vector has lanes are summed together: the sums of all rows come out as one vector.
LogicalResult KernelPrinter::printRowSums(linalg::GenericOp tile, unsigned rows, unsigned dim) {
  Value out = tile.getDpsInits()[0];
  AffineMap map = tile.getIndexingMapsArray().back();
  Type type = places[out].element;
  NameScope outer = names;
  std::string sums = names.take("sums");
  LogicalResult result = inLoop(tile, rows, 0, tile.getStaticLoopRanges()[rows], vectorLanes, [&](const Linear &first) -> LogicalResult {
    line(vectorType(type, vectorLanes) + " " + sums + "[" + Twine(vectorLanes) + "];");
    std::string row = names.take("i");
    line("UNROLL for (long " + row + " = 0; " + row + " < " + Twine(vectorLanes) + "; ++" + row + ") {");
    ++depth;
    Point point;
    point.index.resize(tile.getNumLoops());
    point.index[rows] = first + Linear::symbol(row);
    FailureOr<std::string> vector = printPartialResults(tile, point, dim);
    if (succeeded(vector))
      line(sums + "[" + row + "] = " + *vector + ";");
    --depth;
    line("}");
    if (failed(vector))
      return failure();
    point.index[rows] = first;
    point.lanes = vectorLanes;
    point.dim = static_cast<int>(rows);
    Expr all{"reduce_rows(" + sums + ")", Precedence::atom, true, type, 0, {}};
    FailureOr<Expr> sum = expressionOf(combiner(tile), {read(out, map, point), all}, vectorLanes);
    if (failed(sum))
      return failure();
    write(out, map, point, *sum);
    return success();
  });
  names = outer;
  return result;
}

/// The dimension of the rows, where a tile sums rows that lie together, as many as fill vectors; -1 elsewhere.
int KernelPrinter::rowsSummed(linalg::GenericOp tile, const Lanes &lanes) {
  if (!lanes.reduces || !isa<arith::AddFOp>(combiner(tile)))
    return -1;
  int rows = -1;
  for (auto [dim, size] : llvm::enumerate(tile.getStaticLoopRanges())) {
    if (size == 1 || static_cast<int>(dim) == lanes.dim)
      continue;
    if (rows >= 0 || size % vectorLanes != 0)
      return -1;
    rows = static_cast<int>(dim);
  }
  Value out = tile.getDpsInits()[0];
  bool together = rows >= 0 && places[out].kind == Place::memory &&
                  strideAlong(out, tile.getIndexingMapsArray().back(), rows) == 1;
  return together ? rows : -1;
}

Linear KernelPrinter::offsetIn(const Place &place, AffineMap map, const Point &point) {
  Linear offset = place.offset;
  for (auto [axis, expr] : llvm::enumerate(map.getResults()))
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      offset = offset + point.index[dim.getPosition()] * place.strides[axis];
  return offset;
}

/// An element of a register tile: "acc[r][s / 16]".
static std::string registerIndex(const Linear &index, int64_t divisor) {
  if (index.isConstant())
    return "[" + std::to_string(index.constant / divisor) + "]";
  return "[" + (divisor == 1 ? index.str() : index.operand() + " / " + std::to_string(divisor)) + "]";
}

std::string KernelPrinter::element(const Place &place, AffineMap map, const Point &point) {
  if (place.kind == Place::scalar)
    return place.base;
  return place.base + "[" + offsetIn(place, map, point).str() + "]";
}

Expr KernelPrinter::read(Value buffer, AffineMap map, const Point &point) {
  Place place = places.lookup(buffer);
  Expr result;
  result.type = place.element;
  if (place.kind == Place::registers) {
    auto type = cast<MemRefType>(buffer.getType());
    result.text = place.base;
    result.lanes = true;
    for (auto [axis, size] : llvm::enumerate(type.getShape().take_front(vectorAxis(type) + 1))) {
      bool last = axis == vectorAxis(type);
      if (last ? size <= static_cast<int64_t>(vectorLanes) : size == 1)
        continue;
      auto dim = dyn_cast<AffineDimExpr>(map.getResult(axis));
      result.text += registerIndex(dim ? point.index[dim.getPosition()] : Linear(0), last ? vectorLanes : 1);
    }
    return result;
  }
  bool inLanes = point.dim >= 0 && strideAlong(buffer, map, point.dim) == 1 && place.kind != Place::scalar;
  if (!inLanes) {
    result.text = element(place, map, point);
    return result;
  }
  result.lanes = true;
  std::string address = "&" + element(place, map, point);
  bool isBool = place.element.isInteger(1);
  std::string vector =
      isBool ? "vec<int32_t, " + std::to_string(point.lanes) + ">" : vectorType(place.element, point.lanes);
  int64_t part = place.padded ? 0 : point.part;
  std::string function = std::string("load") + (part ? "_part" : "") + (isBool ? "_as" : "");
  result.text = function + "<" + vector + ">(" + address + (part ? ", " + std::to_string(part) : "") + ")";
  if (isBool) {
    result.text += " != 0";
    result.precedence = Precedence::equality;
    result.maskBytes = 4;
  }
  return result;
}

void KernelPrinter::write(Value buffer, AffineMap map, const Point &point, const Expr &value) {
  Place &place = places[buffer];
  if (!place.declared) {
    place.declared = true;
    line(scalarType(place.element) + " " + place.base + " = " + value.text + ";");
    return;
  }
  // x = x + y prints as x += y.
  auto assign = [&](const std::string &target, const std::string &text) {
    for (StringRef symbol : {"+", "-", "*"}) {
      std::string prefix = target + " " + symbol.str() + " ";
      Precedence needed = symbol == "*" ? Precedence::product : Precedence::sum;
      if (value.precedence == needed && StringRef(text).starts_with(prefix)) {
        line(target + " " + symbol + "= " + text.substr(prefix.size()) + ";");
        return;
      }
    }
    line(target + " = " + text + ";");
  };
  if (place.kind == Place::registers) {
    assign(read(buffer, map, point).text, splat(value, point.lanes));
    return;
  }
  bool inLanes = point.dim >= 0 && strideAlong(buffer, map, point.dim) == 1 && place.kind != Place::scalar;
  if (!inLanes) {
    assign(element(place, map, point), value.text);
    return;
  }
  bool isBool = place.element.isInteger(1);
  std::string text = splat(value, point.lanes);
  if (isBool && !value.lanes)
    text = "splat<vec<int32_t, " + std::to_string(point.lanes) + ">>(" + value.text + ")";
  int64_t part = place.padded ? 0 : point.part;
  line(std::string("store") + (part ? "_part" : "") + (isBool ? "_as" : "") + "(&" + element(place, map, point) +
       ", " + text + (part ? ", " + std::to_string(part) : "") + ");");
}

/// How often the yielded values read `value`, directly or through other operations.
static unsigned readers(Value value) { return std::distance(value.use_begin(), value.use_end()); }

std::optional<unsigned> KernelPrinter::productIn(Operation *sum) const {
  if (exact && isa<arith::AddFOp, arith::SubFOp>(sum))
    for (unsigned operand : {0u, 1u})
      if (sum->getOperand(operand).getDefiningOp<arith::MulFOp>())
        return operand;
  return std::nullopt;
}

FailureOr<SmallVector<Expr>> KernelPrinter::evaluate(linalg::GenericOp tile, const Point &point,
                                                     Value element) {
  Block *body = tile.getBody();
  DenseMap<Value, Expr> elements;
  bool severalOutputs = tile.getDpsInits().size() > 1;
  constexpr size_t longText = 88;

  auto give = [&](Value value, Expr expression, StringRef wish, bool named) {
    if (named && !expression.index && expression.text.size() > 3) {
      std::string name = names.take(wish);
      std::string type = "auto";
      if (!expression.maskBytes)
        type = expression.lanes ? vectorType(expression.type, point.lanes) : scalarType(expression.type);
      line("const " + type + " " + name + " = " + expression.text + ";");
      expression.text = name;
      expression.precedence = Precedence::atom;
    }
    elements[value] = std::move(expression);
  };

  for (auto [operand, argument] : llvm::zip(tile->getOpOperands(), body->getArguments())) {
    if (argument.use_empty())
      continue;
    Place place = places.lookup(operand.get());
    if (element && tile.isDpsInit(&operand))
      continue; // the caller combines
    Expr x = read(operand.get(), tile.getMatchingIndexingMap(&operand), point);
    bool named = place.kind == Place::memory && (readers(argument) > 1 || severalOutputs);
    give(argument, x, place.base + (x.lanes ? "_v" : "_x"), named);
  }

  static constexpr StringRef wishes[] = {"x", "y", "z", "a", "b", "c", "d", "e", "f", "g", "h", "u", "v", "w"};
  unsigned temporary = 0;
  for (Operation &op : body->without_terminator()) {
    if (element && combiner(tile) == &op)
      continue;
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      Expr x;
      x.type = op.getResult(0).getType();
      x.index = point.index[index.getDim()];
      if (static_cast<int>(index.getDim()) == point.dim)
        x.index = *x.index + Linear::symbol(kLane);
      x.text = x.index->str();
      elements[index] = x;
      continue;
    }
    SmallVector<Expr> operands;
    for (Value operand : op.getOperands()) {
      auto found = elements.find(operand);
      if (found != elements.end()) {
        operands.push_back(found->second);
        continue;
      }
      Expr x = values.lookup(operand);
      if (operand.getType().isIndex()) {
        x.index = indexOf(operand);
        x.type = operand.getType();
        x.text = x.index->str();
      }
      operands.push_back(x);
    }
    if (isa<BatchOp>(op)) {
      usesBatch = true;
      Expr x;
      x.type = op.getResult(0).getType();
      x.index = Linear::symbol("batch");
      x.text = "batch";
      elements[op.getResult(0)] = x;
      continue;
    }
    FailureOr<Expr> expression = expressionOf(&op, operands, point.lanes);
    if (failed(expression))
      return op.emitOpError("has no spelling in C++"), failure();
    if (std::optional<unsigned> product = productIn(&op)) {
      Operation *factors = op.getOperand(*product).getDefiningOp();
      auto factor = [&](unsigned number) { // inside of the body or a constant outside
        auto found = elements.find(factors->getOperand(number));
        return found != elements.end() ? found->second : values.lookup(factors->getOperand(number));
      };
      expression = fusedSum(&op, *product, factor(0), factor(1), operands, point.lanes);
    }
    bool last = llvm::is_contained(body->getTerminator()->getOperands(), op.getResult(0)) && op.getResult(0).hasOneUse();
    bool insideSums = isa<arith::MulFOp>(op) && llvm::all_of(op.getUsers(), [&](Operation *user) {
                        std::optional<unsigned> product = productIn(user);
                        return product && user->getOperand(*product) == op.getResult(0);
                      });
    bool named = !isa<arith::ConstantOp>(op) && !insideSums &&
                 (readers(op.getResult(0)) > 1 || (!last && expression->text.size() > longText));
    give(op.getResult(0), *expression, wishes[std::min<size_t>(temporary, std::size(wishes) - 1)], named);
    temporary += named;
  }
  SmallVector<Expr> results;
  SmallVector<Value> wanted(body->getTerminator()->getOperands());
  if (element)
    wanted = {element};
  for (Value yielded : wanted) {
    auto found = elements.find(yielded);
    results.push_back(found != elements.end() ? found->second : values.lookup(yielded));
  }
  return results;
}

LogicalResult KernelPrinter::printPoint(linalg::GenericOp tile, const Point &point) {
  FailureOr<SmallVector<Expr>> results = evaluate(tile, point);
  if (failed(results))
    return failure();
  for (auto [index, result] : llvm::enumerate(*results))
    write(tile.getDpsInits()[index], tile.getIndexingMapsArray()[tile.getNumDpsInputs() + index], point, result);
  return success();
}

} // namespace hornfels

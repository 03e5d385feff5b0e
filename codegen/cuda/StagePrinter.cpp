// What one thread does at a point of a stage.
#include "codegen/cuda/DeviceKernelPrinter.h"

#include "ir/Structure.h"
#include "llvm/ADT/StringExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {


SmallVector<Linear> DeviceKernelPrinter::decode(StringRef p, ArrayRef<int64_t> sizes, bool isLong, StringRef row) {
  static constexpr StringRef wishes[] = {"i", "j", "k", "l", "m", "n"};
  SmallVector<Linear> point;
  int64_t inner = countOf(sizes.empty() ? sizes : sizes.drop_front(), 1);
  for (auto [axis, size] : llvm::enumerate(sizes)) {
    if (axis > 0)
      inner /= size;
    Linear place;
    bool wide = size == kBatch || (isLong && axis == 0); // with samples an address may need 64 bits
    if ((sizes.size() == 1 || (axis == 0 && inner == 1)) && wide == isLong) {
      place = Linear::symbol(p.str());
    } else {
      std::string name = names.take(wishes[std::min<size_t>(axis, std::size(wishes) - 1)]), text = p.str();
      if (inner > 1)
        text += " / " + std::to_string(inner);
      if (axis > 0)
        text += " % " + std::to_string(size);
      line(std::string("const ") + (wide ? "long " : "int ") + name + " = " + (isLong && !wide ? "int(" + text + ")" : text) + ";");
      place = Linear::symbol(name);
    }
    point.push_back(axis == 0 && !row.empty() ? Linear::symbol(row.str()) + place : place);
  }
  return point;
}

Linear DeviceKernelPrinter::linearOf(AffineExpr expr, const Index &index) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return Linear(constant.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return index[dim.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  if (binary.getKind() == AffineExprKind::Add)
    return linearOf(binary.getLHS(), index) + linearOf(binary.getRHS(), index);
  if (binary.getKind() == AffineExprKind::Mod) // only the first elements of an axis: what stands before it (ir/Lowering)
    return linearOf(binary.getLHS(), index);
  auto [factor, other] = isa<AffineConstantExpr>(binary.getRHS()) ? std::pair(binary.getRHS(), binary.getLHS())
                                                                  : std::pair(binary.getLHS(), binary.getRHS());
  return linearOf(other, index) * cast<AffineConstantExpr>(factor).getValue();
}

SmallVector<Linear> DeviceKernelPrinter::placesOf(AffineMap map, const Index &index) {
  return llvm::map_to_vector(map.getResults(), [&](AffineExpr expr) { return linearOf(expr, index); });
}

std::string DeviceKernelPrinter::elementOf(const Place &place, ArrayRef<Linear> at) {
  Linear offset;
  for (auto [axis, index] : llvm::enumerate(at)) {
    Linear here = index;
    if (axis == 0 && place.ofRows)
      here = here - Linear::symbol(rowName);
    offset = offset + here * place.strides[axis];
  }
  for (const Linear::Term &term : offset.terms)
    usesBatch |= term.symbol == "batch";
  return place.base + "[" + offset.str() + "]";
}

Expr DeviceKernelPrinter::read(Value value, ArrayRef<Linear> place) {
  if (auto known = values.find(value); known != values.end())
    return known->second;
  const Place &at = places.find(value)->second;
  Expr result;
  result.type = at.element;
  result.text = elementOf(at, place);
  return result;
}

/// Dimensions of the unit that are axes of the points.
DeviceKernelPrinter::Index DeviceKernelPrinter::indexOf(const Unit &unit, const Points &points, ArrayRef<Linear> point) {
  Index index(unit.sizes.size());
  if (!points.ofResult)
    for (auto [axis, dim] : llvm::enumerate(points.dims))
      index[dim] = point[axis];
  return index;
}

/// Element o of an axis is written from the dimension d of a window's place: o = d * stride + k * dilation + offset.
void DeviceKernelPrinter::solve(const Unit &unit, ArrayRef<Linear> point, Index &index, StringRef otherwise) {
  Points points(unit);
  AffineMap map = unit.writes.front().map;
  for (auto [number, axis] : llvm::enumerate(points.dims)) {
    AffineExpr expr = map.getResult(axis);
    std::optional<unsigned> dim;
    for (unsigned each : unit.parallel)
      if (expr.isFunctionOfDim(each))
        dim = each;
    Index others = index;
    for (unsigned each : unit.parallel)
      others[each] = Linear(0);
    Linear rest = point[number] - linearOf(expr, others);
    if (!dim) { // the place is a dimension that is summed: it is this one or no other
      std::string off = names.take("off");
      line("const int " + off + " = " + rest.str() + ";");
      line("if (" + off + " != 0)");
      ++depth;
      line(otherwise + ";");
      --depth;
      continue;
    }
    int64_t stride = coefficientOf(expr, *dim), size = unit.sizes[*dim];
    if (stride == 1 && rest.terms.size() == 1 && rest.constant == 0) {
      index[*dim] = point[number];
      continue;
    }
    std::string off = names.take("off");
    line("const int " + off + " = " + (size == kBatch ? "int(" + rest.str() + ")" : rest.str()) + ";");
    std::string miss = off + " < 0 || " + off + " >= " + std::to_string((size - 1) * stride + 1);
    if (stride != 1)
      miss += " || " + off + " % " + std::to_string(stride) + " != 0";
    line("if (" + miss + ")");
    ++depth;
    line(otherwise + ";");
    --depth;
    if (stride == 1) {
      index[*dim] = Linear::symbol(off);
      continue;
    }
    std::string name = names.take("at");
    line("const int " + name + " = " + off + " / " + std::to_string(stride) + ";");
    index[*dim] = Linear::symbol(name);
  }
}

/// The samples of a part of the batch: the name of the first one; the next line says where they end.
std::string DeviceKernelPrinter::boundsOfPart(const Unit &unit, const Linear &part) {
  usesBatch = true;
  int64_t parts = unit.sizes[*unit.part];
  std::string each = names.take("each"), first = names.take("first_sample"), last = names.take("last_sample");
  line("const long " + each + " = (batch + " + std::to_string(parts - 1) + ") / " + std::to_string(parts) + ";");
  line("const long " + first + " = min(" + part.operand() + " * " + each + ", batch);");
  line("const long " + last + " = min(" + first + " + " + each + ", batch);");
  return first;
}

/// Loops over what is summed, for the thread's own part of it.
LogicalResult DeviceKernelPrinter::printInLoops(const Unit &unit, const Stage &stage, Index &index,
                                                llvm::function_ref<LogicalResult()> body) {
  static constexpr StringRef wishes[] = {"r", "s", "t", "u", "v", "w"};
  SmallVector<unsigned> dims(unit.reduced);
  llvm::stable_sort(dims, [&](unsigned a, unsigned b) { return unit.sizes[a] == kBatch && unit.sizes[b] != kBatch; });
  std::string firstSample = "0", lastSample = "batch";
  if (unit.part) {
    firstSample = boundsOfPart(unit, index[*unit.part]);
    lastSample = "last" + firstSample.substr(5);
  }
  NameScope outer = names;
  unsigned outerDepth = depth;
  if (stage.across == 1) {
    for (auto [number, dim] : llvm::enumerate(dims)) {
      bool isBatch = unit.sizes[dim] == kBatch;
      usesBatch |= isBatch;
      std::string name = names.take(wishes[std::min<size_t>(number, std::size(wishes) - 1)]);
      line(std::string("for (") + (isBatch ? "long " : "int ") + name + " = " + (isBatch ? firstSample : "0") + "; " + name + " < " +
           (isBatch ? lastSample : std::to_string(unit.sizes[dim])) + "; ++" + name + ") {");
      ++depth;
      index[dim] = Linear::symbol(name);
    }
  } else {
    int64_t inner = 1;
    bool batched = false;
    for (unsigned dim : dims)
      unit.sizes[dim] == kBatch ? batched = true : (inner *= unit.sizes[dim], true);
    usesBatch |= batched;
    std::string k = names.take("k"), type = batched ? "long" : "int";
    std::string count = !batched                 ? std::to_string(inner)
                        : unit.part              ? "(" + lastSample + " - " + firstSample + ")"
                                                 : "batch";
    if (batched && inner > 1)
      count += " * " + std::to_string(inner);
    line("for (" + type + " " + k + " = " + partName + "; " + k + " < " + count + "; " + k + " += " + std::to_string(stage.across) + ") {");
    ++depth;
    for (auto [number, dim] : llvm::enumerate(dims)) {
      bool isBatch = unit.sizes[dim] == kBatch;
      if (!isBatch)
        inner /= unit.sizes[dim];
      if (dims.size() == 1) {
        index[dim] = Linear::symbol(k);
      } else {
        std::string name = names.take(wishes[std::min<size_t>(number, std::size(wishes) - 1)]), text = k;
        if (inner > 1)
          text += " / " + std::to_string(inner);
        if (number > 0)
          text += " % " + std::to_string(unit.sizes[dim]);
        line(std::string("const ") + (isBatch ? "long " : "int ") + name + " = " + (batched && !isBatch ? "int(" + text + ")" : text) + ";");
        index[dim] = Linear::symbol(name);
      }
      if (isBatch && unit.part)
        index[dim] = Linear::symbol(firstSample) + index[dim];
    }
  }
  LogicalResult result = body();
  while (depth > outerDepth) {
    --depth;
    line("}");
  }
  names = outer;
  return result;
}

/// The operation that combines what was summed with a new element, where it may be done in any order.
static Operation *combinerOf(linalg::GenericOp op) {
  Operation *combine = op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  if (!combine || op->getNumResults() != 1 ||
      !isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp, arith::MinimumFOp, arith::AddIOp, arith::MulIOp, arith::MaxSIOp,
           arith::MinSIOp>(combine))
    return nullptr;
  Value old = op.getBody()->getArguments().back();
  return old.hasOneUse() && (combine->getOperand(0) == old) != (combine->getOperand(1) == old) ? combine : nullptr;
}

static StringRef functionOf(Operation *combine) {
  if (isa<arith::AddFOp, arith::AddIOp>(combine))
    return "sum_of()";
  if (isa<arith::MulFOp, arith::MulIOp>(combine))
    return "product_of()";
  return isa<arith::MaximumFOp, arith::MaxSIOp>(combine) ? "largest_of()" : "smallest_of()";
}

/// y = sum over r of f(x[point, r]), by all threads of the point.
LogicalResult DeviceKernelPrinter::printSum(const Unit &unit, const Stage &stage, ArrayRef<Linear> point) {
  auto op = cast<linalg::GenericOp>(unit.op);
  Points points(unit);
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  Operation *combine = combinerOf(op);
  if (!fill || op->getNumResults() != 1 || (stage.across > 1 && !combine))
    return op.emitOpError("is a reduction without a spelling in CUDA");
  Value result = op.getResult(0);
  std::string sum = names.take(nameByOrigin(result));
  Type element = cast<RankedTensorType>(result.getType()).getElementType();
  line(scalarType(element) + " " + sum + " = " + values.lookup(fill.getInputs()[0]).text + ";");
  Index index = indexOf(unit, points, point);
  LogicalResult printed = printInLoops(unit, stage, index, [&]() -> LogicalResult {
    if (points.ofResult)
      solve(unit, point, index, "continue");
    DenseMap<Value, Expr> outside = values;
    FailureOr<SmallVector<Expr>> next = evaluate(op, index, op.getBody()->getArguments().back(), sum);
    values = outside;
    if (failed(next))
      return failure();
    const Expr &expression = next->front();
    std::string prefix = sum + " + ";
    if (expression.precedence == Precedence::sum && StringRef(expression.text).starts_with(prefix))
      line(sum + " += " + expression.text.substr(prefix.size()) + ";");
    else
      line(sum + " = " + expression.text + ";");
    return success();
  });
  if (failed(printed))
    return failure();
  if (stage.across > 1)
    line(sum + " = across<" + std::to_string(threads) + ", " + std::to_string(stage.across) + ", " +
         (stage.together ? "true" : "false") + ">(" + sum + ", " +
         (stage.together && stage.across <= 32 ? "nullptr" : scratch()) + ", " + functionOf(combine).str() + ");");
  Expr all;
  all.text = sum;
  all.type = element;
  define(result, all, unit, stage, points.ofResult ? SmallVector<Linear>() : placesOf(unit.writes.front().map, index));
  if (points.ofResult) { // each axis of the result is one of the points, or of size 1
    SmallVector<Linear> place(cast<RankedTensorType>(result.getType()).getRank(), Linear(0));
    for (auto [number, axis] : llvm::enumerate(points.dims))
      place[axis] = point[number];
    store(result, sum, place);
  }
  return success();
}

/// Elements between the others stay what they were; `inside` chooses.
FailureOr<std::string> DeviceKernelPrinter::insertion(const Unit &unit, ArrayRef<Linear> point) {
  auto insert = cast<InsertOp>(unit.op);
  auto shape = cast<RankedTensorType>(insert.getX().getType()).getShape();
  auto whole = cast<RankedTensorType>(insert.getY().getType()).getShape();
  SmallVector<Linear> from, to;
  std::string inside;
  size_t number = 0;
  for (auto [axis, size] : llvm::enumerate(shape)) {
    int64_t offset = insert.getOffsets()[axis], stride = insert.getStrides()[axis];
    Linear at = whole[axis] == 1 ? Linear(0) : point[number++];
    to.push_back(at);
    if (size == kBatch || whole[axis] == 1) { // samples are all there
      from.push_back(at);
      continue;
    }
    // at = offset + i * stride: backward where the stride is negative.
    int64_t step = std::abs(stride), end = offset + (size - 1) * stride, least = std::min(offset, end), most = std::max(offset, end);
    Linear off = stride > 0 ? at - Linear(offset) : Linear(offset) - at;
    auto add = [&](const std::string &condition) { inside += (inside.empty() ? "" : " && ") + condition; };
    if (least > 0)
      add(at.operand() + " >= " + std::to_string(least));
    if (whole[axis] != kBatch && most < whole[axis] - 1)
      add(at.operand() + " <= " + std::to_string(most));
    if (step == 1 || size == 1) {
      from.push_back(size == 1 ? Linear(0) : off);
      continue;
    }
    add(off.operand() + " % " + std::to_string(step) + " == 0");
    std::string name = names.take("from");
    line("const int " + name + " = " + off.operand() + " / " + std::to_string(step) + ";");
    from.push_back(Linear::symbol(name));
  }
  std::string x = read(insert.getX(), from).text, rest;
  if (auto fill = insert.getDestination().getDefiningOp<linalg::FillOp>())
    rest = values.lookup(fill.getInputs()[0]).text;
  else if (insert.getDestination().getDefiningOp<tensor::EmptyOp>())
    rest = "0";
  else
    rest = read(insert.getDestination(), to).text;
  std::string zero = literal(0, cast<RankedTensorType>(insert.getX().getType()).getElementType());
  if (inside.empty())
    return insert.getAdds() ? rest + " + " + x : x;
  if (insert.getAdds())
    return rest + " + (" + inside + " ? " + x + " : " + zero + ")";
  return inside + " ? " + x + " : " + rest;
}

void DeviceKernelPrinter::store(Value value, const std::string &text, ArrayRef<Linear> at) {
  if (auto known = together.find(value); known != together.end()) {
    line(known->second + " = " + text + ";");
    return;
  }
  const Place &place = places.find(value)->second;
  if (place.kind != Place::memory && place.kind != Place::shared)
    return;
  std::string target = elementOf(place, at);
  if (!guard.empty()) {
    line("if (" + guard + ")");
    ++depth;
  }
  line(target + " = " + text + ";");
  if (!guard.empty())
    --depth;
}

/// The value at this point: later units of the stage have it by its name; others where it is stored.
void DeviceKernelPrinter::define(Value value, Expr expression, const Unit &unit, const Stage &stage, ArrayRef<Linear> at) {
  if (isReadIn(stage, value)) {
    bool isLiteral = !expression.text.empty() && llvm::isDigit(expression.text.front());
    if (!isLiteral && (expression.precedence != Precedence::atom || expression.text.find_first_of("[(. ") != std::string::npos)) {
      std::string name = names.take(nameByOrigin(value));
      line("const " + scalarType(expression.type) + " " + name + " = " + expression.text + ";");
      expression.text = name;
      expression.precedence = Precedence::atom;
    }
    values[value] = expression;
  }
  if (!at.empty() || cast<RankedTensorType>(value.getType()).getRank() == 0)
    store(value, expression.text, at);
}

LogicalResult DeviceKernelPrinter::printUnit(const Unit &unit, const Stage &stage, ArrayRef<Linear> point) {
  Points points(unit);
  if (unit.reduces())
    return printSum(unit, stage, point);
  Index index = indexOf(unit, points, point);
  if (auto generic = dyn_cast<linalg::GenericOp>(unit.op)) {
    FailureOr<SmallVector<Expr>> results = evaluate(generic, index, {}, "");
    if (failed(results))
      return failure();
    // All are computed before any is stored: one may overwrite what another reads.
    for (auto [number, result] : llvm::enumerate(generic->getResults())) {
      Expr &value = (*results)[number];
      bool last = number + 1 == generic->getNumResults();
      if (!last && value.text.size() > 3 && value.precedence != Precedence::atom) {
        std::string name = names.take(nameByOrigin(result));
        line("const " + scalarType(value.type) + " " + name + " = " + value.text + ";");
        value.text = name;
        value.precedence = Precedence::atom;
      }
    }
    for (auto [number, result] : llvm::enumerate(generic->getResults()))
      define(result, (*results)[number], unit, stage, placesOf(unit.writes[number].map, index));
    return success();
  }
  Value result = unit.op->getResult(0);
  Expr value;
  value.type = cast<RankedTensorType>(result.getType()).getElementType();
  value.precedence = Precedence::conditional;
  if (auto gather = dyn_cast<GatherOp>(unit.op)) {
    SmallVector<Linear> place = placesOf(unit.writes.front().map, index);
    size_t ids = cast<RankedTensorType>(gather.getIds().getType()).getRank();
    std::string id = names.take("id");
    line("const long " + id + " = " + read(gather.getIds(), ArrayRef(place).take_front(ids)).text + ";");
    SmallVector<Linear> at{Linear::symbol(id)};
    llvm::append_range(at, ArrayRef(place).drop_front(ids));
    value.text = read(gather.getTable(), at).text;
    define(result, value, unit, stage, place);
    return success();
  }
  if (auto pad = dyn_cast<PadTokensOp>(unit.op)) {
    SmallVector<Linear> place = placesOf(unit.writes.front().map, index);
    auto flag = [](bool set) { return std::string(set ? "true" : "false"); };
    value.text = "padded_id<" + flag(pad.getBefore()) + ", " + flag(pad.getCutBefore()) + ">(" + tokens[pad.getTokens()] + ", " +
                 place[0].str() + ", " + std::to_string(cast<RankedTensorType>(result.getType()).getDimSize(1)) + ", " +
                 std::to_string(pad.getValue()) + ", " + place[1].str() + ")";
    define(result, value, unit, stage, place);
    return success();
  }
  if (isa<SliceOp>(unit.op) || continuesArgument(unit)) {
    value.text = read(unit.reads.front().value, placesOf(unit.reads.front().map, index)).text;
    SmallVector<Linear> place = placesOf(unit.writes.front().map, index);
    if (auto insert = dyn_cast<InsertOp>(unit.op); insert && insert.getAdds())
      value.text = elementOf(places.find(result)->second, place) + " + " + value.text;
    define(result, value, unit, stage, place);
    return success();
  }
  if (isa<InsertOp>(unit.op)) {
    FailureOr<std::string> text = insertion(unit, point);
    if (failed(text))
      return failure();
    value.text = *text;
    SmallVector<Linear> place(cast<RankedTensorType>(result.getType()).getRank(), Linear(0));
    for (auto [number, axis] : llvm::enumerate(points.dims))
      place[axis] = point[number];
    define(result, value, unit, stage, place);
    return success();
  }
  return unit.op->emitOpError("has no spelling in CUDA"), failure();
}

LogicalResult DeviceKernelPrinter::printBody(const Stage &stage, ArrayRef<Linear> point, StringRef owner, bool skipsFirst) {
  DenseMap<Value, Expr> outside = values;
  std::string outerGuard = guard;
  guard = owner.str();
  for (unsigned number : ArrayRef(stage.units).drop_front(skipsFirst))
    if (failed(printUnit(units[number], stage, point)))
      return failure();
  values = outside;
  guard = outerGuard;
  return success();
}

static unsigned readers(Value value) { return static_cast<unsigned>(std::distance(value.use_begin(), value.use_end())); }

/// The yielded values at a point. A value that is read once is inlined unless it is long; others get names.
FailureOr<SmallVector<Expr>> DeviceKernelPrinter::evaluate(linalg::GenericOp op, const Index &index, Value accumulator,
                                                           const std::string &accumulated) {
  constexpr size_t longText = 88;
  static constexpr StringRef wishes[] = {"x", "y", "z", "a", "b", "c", "d", "e", "f", "g", "h", "u", "v", "w"};
  Block *body = op.getBody();
  DenseMap<Value, Expr> elements;
  size_t temporaries = 0;
  auto give = [&](Value value, Expr expression, StringRef wish, bool named) {
    if (named && !expression.index && expression.text.size() > 3) {
      std::string name = names.take(wish);
      line("const " + scalarType(expression.type) + " " + name + " = " + expression.text + ";");
      expression.text = name;
      expression.precedence = Precedence::atom;
    }
    elements[value] = std::move(expression);
  };
  bool severalResults = op->getNumResults() > 1;
  for (auto [operand, argument] : llvm::zip(op->getOpOperands(), body->getArguments())) {
    if (argument.use_empty())
      continue;
    if (argument == accumulator) {
      Expr sum;
      sum.text = accumulated;
      sum.type = argument.getType();
      elements[argument] = sum;
      continue;
    }
    Expr x = read(operand.get(), placesOf(op.getMatchingIndexingMap(&operand), index));
    bool stored = x.text.find('[') != std::string::npos;
    std::string wish = nameByOrigin(operand.get());
    if (auto known = places.find(operand.get()); known != places.end() && !known->second.base.empty())
      wish = known->second.base + "_x";
    give(argument, x, wish, stored && (readers(argument) > 1 || severalResults));
  }
  for (Operation &each : body->without_terminator()) {
    if (auto place = dyn_cast<linalg::IndexOp>(each)) {
      Expr x;
      x.type = each.getResult(0).getType();
      x.index = index[place.getDim()];
      x.text = x.index->str();
      elements[place] = x;
      continue;
    }
    if (isa<BatchOp>(each)) {
      usesBatch = true;
      Expr x;
      x.type = each.getResult(0).getType();
      x.index = Linear::symbol("batch");
      x.text = "batch";
      elements[each.getResult(0)] = x;
      continue;
    }
    SmallVector<Expr> operands;
    for (Value operand : each.getOperands()) {
      auto found = elements.find(operand);
      operands.push_back(found != elements.end() ? found->second : values.lookup(operand));
      if (operands.back().text == "batch")
        usesBatch = true;
    }
    FailureOr<Expr> expression = expressionOf(&each, operands, 1);
    if (failed(expression))
      return each.emitOpError("has no spelling in CUDA"), failure();
    Value result = each.getResult(0);
    bool last = llvm::is_contained(body->getTerminator()->getOperands(), result) && result.hasOneUse();
    bool named = !isa<arith::ConstantOp>(each) && (readers(result) > 1 || (!last && expression->text.size() > longText));
    give(result, *expression, wishes[std::min(temporaries, std::size(wishes) - 1)], named);
    temporaries += named;
  }
  SmallVector<Expr> results;
  for (Value yielded : body->getTerminator()->getOperands()) {
    auto found = elements.find(yielded);
    results.push_back(found != elements.end() ? found->second : values.lookup(yielded));
  }
  return results;
}

} // namespace hornfels

#include "codegen/cpp/KernelPrinter.h"

#include "ir/Structure.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <numeric>

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

KernelPrinter::KernelPrinter(func::FuncOp kernel, NameScope &file) : kernel(kernel), file(file), names(&file) {
  exact = kernel->hasAttr("horn.exact");
  vectorLanes = static_cast<unsigned>(kernel->getAttrOfType<IntegerAttr>("horn.lanes").getInt());
}

/// A statement, over several lines where it is long.
void KernelPrinter::line(const Twine &text) {
  constexpr size_t width = 100;
  std::string rest = text.str();
  size_t indent = depth * 2;
  while (indent + rest.size() > width) {
    // Break behind a comma or before an operator, as far out of parentheses as can be, then as late.
    size_t best = std::string::npos;
    int nesting = 0, bestNesting = 1 << 20;
    for (size_t i = 0; i + 2 < rest.size() && indent + i < width; ++i) {
      nesting += rest[i] == '(' || rest[i] == '[' || rest[i] == '{';
      nesting -= rest[i] == ')' || rest[i] == ']' || rest[i] == '}';
      bool comma = rest[i] == ',' && rest[i + 1] == ' ';
      bool operation = rest[i] == ' ' && rest[i + 2] == ' ' && StringRef("+-*/?:").contains(rest[i + 1]);
      constexpr size_t shortest = 30; // a line of a few characters helps nobody
      if (i < shortest || !(comma || operation) || nesting > bestNesting)
        continue;
      best = comma ? i + 1 : i;
      bestNesting = nesting;
    }
    if (best == std::string::npos)
      break;
    out.append(indent, ' ');
    out += rest.substr(0, best) + "\n";
    rest = rest.substr(best + 1);
    indent = depth * 2 + 4;
  }
  out.append(indent, ' ');
  out += rest + "\n";
}

static SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t axis = static_cast<int64_t>(shape.size()) - 2; axis >= 0; --axis)
    strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

void KernelPrinter::nameParameters() {
  for (BlockArgument argument : kernel.getArguments()) {
    unsigned number = argument.getArgNumber();
    if (number + 2 >= kernel.getNumArguments()) {
      indices[argument] = Linear::symbol(number + 2 == kernel.getNumArguments() ? "begin" : "end");
      if (auto grain = kernel->getAttrOfType<IntegerAttr>("horn.grain"))
        multiples.symbol("begin", grain.getInt()); // chunks begin at multiples of it
      continue;
    }
    auto wish = kernel.getArgAttrOfType<StringAttr>(number, "horn.name");
    std::string name = names.take(wish ? wish.getValue() : "value");
    if (isa<TokensType>(argument.getType())) {
      tokens[argument] = name;
      continue;
    }
    auto type = cast<MemRefType>(argument.getType());
    Place place{Place::memory, name, Linear(), stridesOf(type.getShape()), type.getElementType()};
    if (auto stride = kernel.getArgAttrOfType<IntegerAttr>(number, "horn.stride"))
      place.strides[0] = stride.getInt();
    if (auto panel = kernel.getArgAttrOfType<IntegerAttr>(number, "horn.panel")) {
      place.panel = panel.getInt();
      place.rows = type.getDimSize(0);
      place.columns = type.getDimSize(1);
    }
    places[argument] = place;
  }
}

/// Is the buffer of this parameter written?
static bool isWritten(BlockArgument argument) {
  SmallVector<Value> pending{argument};
  while (!pending.empty())
    for (OpOperand &use : pending.pop_back_val().getUses()) {
      if (auto view = dyn_cast<memref::SubViewOp>(use.getOwner()))
        pending.push_back(view);
      else if (auto tile = dyn_cast<linalg::GenericOp>(use.getOwner()); tile && tile.isDpsInit(&use))
        return true;
    }
  return false;
}

/// Outputs first, then inputs, then sizes.
std::string KernelPrinter::signature(PrintedKernel &printed) {
  SmallVector<std::string> parameters;
  auto add = [&](bool written) {
    for (BlockArgument argument : kernel.getArguments().drop_back(2)) {
      if (isWritten(argument) != written)
        continue;
      printed.parameters.push_back(argument.getArgNumber());
      if (auto type = dyn_cast<TokensType>(argument.getType())) {
        if (kernel.getArgAttr(argument.getArgNumber(), "horn.lazy")) {
          if (argument.use_empty()) { // every row is updated
            printed.parameters.pop_back();
            continue;
          }
          parameters.push_back("const lazy_rows &" + tokens[argument]);
          continue;
        }
        std::string id = type.getVocabulary() <= 65536 ? "uint16_t" : "int32_t";
        parameters.push_back("const token_rows<" + id + "> &" + tokens[argument]);
        continue;
      }
      std::string element = scalarType(cast<MemRefType>(argument.getType()).getElementType());
      parameters.push_back((written ? "" : "const ") + element + " *" + places[argument].base);
    }
  };
  add(true);
  add(false);
  printed.takesBatch = usesBatch;
  printed.takesRows = usesRows;
  if (usesBatch)
    parameters.push_back("long batch");
  if (usesRows) {
    parameters.push_back("long begin");
    parameters.push_back("long end");
  }
  std::string head = "static void " + printed.name + "(", text = head;
  size_t column = head.size();
  for (auto [i, parameter] : llvm::enumerate(parameters)) {
    std::string piece = parameter + (i + 1 < parameters.size() ? "," : ") {");
    if (i > 0 && column + 1 + piece.size() > 100) {
      text += "\n" + std::string(head.size(), ' ');
      column = head.size();
    } else if (i > 0) {
      text += ' ';
      ++column;
    }
    text += piece;
    column += piece.size();
  }
  return text + "\n";
}

FailureOr<PrintedKernel> KernelPrinter::print() {
  PrintedKernel printed;
  printed.name = file.take(kernel.getName());
  nameParameters();
  findRegisters();
  if (failed(printBlock(kernel.getBody().front())))
    return failure();
  std::string body = std::move(out);
  printed.text = signature(printed) + body + "}\n";
  return printed;
}

Linear KernelPrinter::indexOf(OpFoldResult value) {
  if (auto known = getConstantIntValue(value))
    return Linear(*known);
  Linear linear = indices.lookup(cast<Value>(value));
  for (const Linear::Term &term : linear.terms) {
    usesBatch |= StringRef(term.symbol).contains("batch");
    usesRows |= StringRef(term.symbol).contains("begin") || StringRef(term.symbol).contains("end");
  }
  return linear;
}

LogicalResult KernelPrinter::printBlock(Block &block) {
  for (Operation &op : block)
    if (!skipped.contains(&op) && failed(printOperation(op)))
      return failure();
  return success();
}

LogicalResult KernelPrinter::printOperation(Operation &op) {
  if (op.hasTrait<OpTrait::IsTerminator>())
    return success();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return printLoop(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return printBranch(branch);
  if (auto tile = dyn_cast<linalg::GenericOp>(op))
    return printTile(tile);
  if (auto ahead = dyn_cast<memref::PrefetchOp>(op))
    return printPrefetch(ahead), success();
  if (auto alloca = dyn_cast<memref::AllocaOp>(op))
    return declare(alloca), success();
  if (auto subview = dyn_cast<memref::SubViewOp>(op))
    return view(subview);
  if (auto function = op.getAttrOfType<StringAttr>("horn.call"))
    return printCall(op, function);
  if (isa<UnrealizedConversionCastOp>(op))
    return declareConstant(&op), success();
  if (isa<BatchOp>(op)) {
    indices[op.getResult(0)] = Linear::symbol("batch");
    return success();
  }
  if (auto bounds = dyn_cast<RowBoundsOp>(op)) {
    const std::string &rows = tokens[bounds.getTokens()];
    std::string row = indexOf(bounds.getRow()).str();
    std::string first = names.take("first"), last = names.take("last");
    line("const long " + first + " = " + rows + ".offsets[" + row + "], " + last + " = " + rows + ".offsets[" +
         Twine((indexOf(bounds.getRow()) + Linear(1)).str()) + "];");
    indices[bounds.getBegin()] = Linear::symbol(first);
    indices[bounds.getEnd()] = Linear::symbol(last);
    return success();
  }
  if (auto token = dyn_cast<TokenOp>(op)) {
    std::string name = names.take("id");
    line("const long " + name + " = " + tokens[token.getTokens()] + ".ids[" + indexOf(token.getPosition()).str() + "];");
    indices[token.getId()] = Linear::symbol(name);
    return success();
  }
  if (auto bound = dyn_cast<LowerBoundOp>(op)) {
    std::string name = names.take("from");
    line("const long " + name + " = lower_bound(" + tokens[bound.getTokens()] + ", " + indexOf(bound.getBegin()).str() +
         ", " + indexOf(bound.getEnd()).str() + ", " + indexOf(bound.getId()).str() + ");");
    indices[bound.getPosition()] = Linear::symbol(name);
    return success();
  }
  if (auto remainder = dyn_cast<arith::RemUIOp>(op)) {
    std::string name = names.take("rest");
    line("const long " + name + " = " + indexOf(remainder.getLhs()).operand() + " % " +
         indexOf(remainder.getRhs()).operand() + ";");
    indices[op.getResult(0)] = Linear::symbol(name);
    if (auto divisor = getConstantIntValue(remainder.getRhs()))
      multiples.remainder(name, indexOf(remainder.getLhs()), *divisor);
    return success();
  }
  if (auto smaller = dyn_cast<arith::MinSIOp>(op); smaller && smaller.getType().isIndex()) {
    auto wish = op.getAttrOfType<StringAttr>("horn.name");
    std::string name = names.take(wish ? wish.getValue() : "ahead"), left = indexOf(smaller.getLhs()).str(), right = indexOf(smaller.getRhs()).str();
    line("const long " + name + " = " + left + " < " + right + " ? " + left + " : " + right + ";");
    indices[op.getResult(0)] = Linear::symbol(name);
    return success();
  }
  if (auto quotient = dyn_cast<arith::DivUIOp>(op)) {
    std::string name = names.take("tiles");
    line("const long " + name + " = " + indexOf(quotient.getLhs()).operand() + " / " +
         indexOf(quotient.getRhs()).operand() + ";");
    indices[op.getResult(0)] = Linear::symbol(name);
    return success();
  }
  if (auto product = dyn_cast<arith::MulIOp>(op); product && product.getType().isIndex() &&
      !indexOf(product.getLhs()).isConstant() && !indexOf(product.getRhs()).isConstant()) {
    std::string name = names.take("place");
    line("const long " + name + " = " + indexOf(product.getLhs()).operand() + " * " +
         indexOf(product.getRhs()).operand() + ";");
    indices[op.getResult(0)] = Linear::symbol(name);
    return success();
  }
  // Scalars: indices and constants.
  if (op.getNumResults() == 1 && !isa<ShapedType>(op.getResult(0).getType())) {
    SmallVector<Expr> operands;
    for (Value operand : op.getOperands()) {
      Expr x = values.lookup(operand);
      if (operand.getType().isIndex()) {
        x.index = indices.lookup(operand);
        x.type = operand.getType();
        x.text = x.index->str();
      }
      operands.push_back(x);
    }
    FailureOr<Expr> expression = expressionOf(&op, operands, 1);
    if (succeeded(expression)) {
      if (expression->index)
        indices[op.getResult(0)] = *expression->index;
      values[op.getResult(0)] = *expression;
      return success();
    }
  }
  if (isa<arith::ConstantOp>(op))
    return success(); // a table, declared where it is read
  return op.emitOpError("has no spelling in C++");
}

LogicalResult KernelPrinter::printLoop(scf::ForOp loop) {
  auto wish = loop->getAttrOfType<StringAttr>("horn.name");
  NameScope outer = names;
  std::string i = names.take(wish ? wish.getValue() : "i");
  indices[loop.getInductionVar()] = Linear::symbol(i);
  multiples.symbol(i, std::gcd(multiples.divisorOf(indexOf(loop.getLowerBound())),
                                multiples.divisorOf(indexOf(loop.getStep()))));
  std::string lower = indexOf(loop.getLowerBound()).str(), upper = indexOf(loop.getUpperBound()).str();
  std::string step = indexOf(loop.getStep()).str();
  line("for (long " + i + " = " + lower + "; " + i + " < " + upper + "; " + (step == "1" ? "++" + i : i + " += " + step) +
       ") {");
  ++depth;
  LogicalResult result = printBlock(*loop.getBody());
  --depth;
  line("}");
  names = outer;
  return result;
}

LogicalResult KernelPrinter::printBranch(scf::IfOp branch) {
  NameScope outer = names;
  line("if (" + values.lookup(branch.getCondition()).text + ") {");
  ++depth;
  LogicalResult result = printBlock(*branch.thenBlock());
  --depth;
  names = outer;
  if (branch.elseBlock() && succeeded(result)) {
    line("} else {");
    ++depth;
    result = printBlock(*branch.elseBlock());
    --depth;
    names = outer;
  }
  line("}");
  return result;
}

/// A function of the runtime that takes rows of ids.
LogicalResult KernelPrinter::printCall(Operation &op, StringRef function) {
  auto index = [&](unsigned operand) { return indexOf(op.getOperand(operand)); };
  auto declareIndex = [&](StringRef wish, const Twine &value) {
    std::string name = names.take(wish);
    line("const long " + name + " = " + value + ";");
    indices[op.getResult(0)] = Linear::symbol(name);
  };
  if (function == "collect") {
    declareIndex("count", tokens[op.getOperand(0)] + ".collect(" + tokens[op.getOperand(1)] + ", " + index(2).str() + ", " +
                              index(3).str() + ", " + index(4).str() + ")");
    return success();
  }
  if (function == "touch") {
    std::string touch = tokens[op.getOperand(0)] + ".touch(" + index(1).str() + ")";
    if (op.use_empty()) // nothing decays
      line(touch + ";");
    else
      declareIndex("missed", touch);
    return success();
  }
  if (function == "only_decays") {
    values[op.getResult(0)].text =
        tokens[op.getOperand(0)] + ".only_decays(" + tokens[op.getOperand(1)] + ", " + index(2).str() + ")";
    return success();
  }
  if (function != "samples_of_ids")
    return op.emitOpError("calls a function that the runtime has not");
  // For each id of the kernel's rows its samples, in the place of the buffer that is written where they do not fit.
  auto type = cast<MemRefType>(op.getOperand(1).getType());
  int64_t row = type.getNumElements() / type.getDimSize(0), bytes = row * elementBytes(type.getElementType());
  Linear from = index(3), to = index(4);
  std::string name = names.take("samples");
  line("const token_rows<int32_t> " + name + " = samples_of_ids(" + tokens[op.getOperand(0)] + ", " + index(2).str() +
       ", " + from.str() + ", " + to.str() + ", &" + places.lookup(op.getOperand(1)).base + "[" + (from * row).str() +
       "], (" + (to - from).str() + ") * " + std::to_string(bytes) + ");");
  tokens[op.getResult(0)] = name;
  values[op.getResult(1)].text = name + ".offsets";
  values[op.getResult(2)].text = "!" + name + ".offsets";
  return success();
}

void KernelPrinter::printPrefetch(memref::PrefetchOp ahead) {
  Place place = places.lookup(ahead.getMemref());
  Linear offset = place.offset;
  for (auto [index, stride] : llvm::zip(ahead.getIndices(), place.strides))
    offset = offset + indexOf(index) * stride;
  line(std::string("prefetch") + (ahead.getIsWrite() ? "" : "_read") + "(&" + place.base + "[" + offset.str() + "]);");
}

/// A buffer on the stack can be vectors when every use covers it whole, its last axis in lanes.
void KernelPrinter::findRegisters() {
  kernel.walk([&](memref::AllocaOp alloca) {
    MemRefType type = alloca.getType();
    if (type.getNumElements() == 1 || type.getElementType().isInteger(1))
      return;
    bool inLanes = llvm::all_of(alloca->getUses(), [&](OpOperand &use) {
      auto tile = dyn_cast<linalg::GenericOp>(use.getOwner());
      if (!tile)
        return false;
      Lanes lanes = chooseLanes(tile);
      auto last = dyn_cast<AffineDimExpr>(tile.getMatchingIndexingMap(&use).getResult(vectorAxis(type)));
      return last && lanes.dim == static_cast<int>(last.getPosition()) && !lanes.reduces;
    });
    if (inLanes)
      inRegisters.insert(alloca);
  });
}

LogicalResult KernelPrinter::view(memref::SubViewOp subview) {
  Place place = places.lookup(subview.getSource());
  if (place.panel > 0)
    return viewOfPanel(subview, place);
  for (auto [axis, offset] : llvm::enumerate(subview.getMixedOffsets()))
    place.offset = place.offset + indexOf(offset) * place.strides[axis];
  for (auto [axis, stride] : llvm::enumerate(subview.getMixedStrides()))
    place.strides[axis] *= *getConstantIntValue(stride);
  places[subview] = place;
  return success();
}

/// A part of a packed matrix that lies in one panel: element (k, c) at base * rows + k * width + c - base, where base
/// is the panel's first column and width its number of columns.
LogicalResult KernelPrinter::viewOfPanel(memref::SubViewOp subview, Place &place) {
  Linear row = indexOf(subview.getMixedOffsets()[0]), column = indexOf(subview.getMixedOffsets()[1]);
  int64_t main = place.columns / place.panel * place.panel;
  bool isLast = column.isConstant() && column.constant >= main;
  int64_t width = isLast ? place.columns - main : place.panel;
  int64_t inPanel = isLast ? column.constant - main : column.constant % place.panel;
  auto count = getConstantIntValue(subview.getMixedSizes()[1]);
  if (!count || inPanel + *count > width)
    return subview.emitOpError("crosses the panels of a packed matrix");
  Linear base = column - Linear(inPanel);
  if (!isLast && multiples.divisorOf(base) % place.panel != 0)
    return subview.emitOpError("begins in the midst of a panel of a packed matrix");
  place.offset = base * place.rows + row * width + Linear(inPanel);
  place.strides = {width, 1};
  place.panel = 0;
  places[subview] = place;
  return success();
}

unsigned KernelPrinter::vectorAxis(MemRefType type) {
  unsigned axis = type.getRank() - 1;
  while (axis > 0 && type.getDimSize(axis) == 1)
    --axis;
  return axis;
}

/// The first use, in the same block, writes it without a loop: there it is declared.
bool KernelPrinter::isWrittenAtOnce(memref::AllocaOp alloca) {
  Operation *first = nullptr;
  for (Operation *user : alloca->getUsers()) {
    Operation *inBlock = alloca->getBlock()->findAncestorOpInBlock(*user);
    if (!first || inBlock->isBeforeInBlock(first))
      first = inBlock;
  }
  auto tile = dyn_cast_or_null<linalg::GenericOp>(first);
  if (!tile || !llvm::all_of(tile.getStaticLoopRanges(), [](int64_t size) { return size == 1; }))
    return false;
  for (OpOperand &operand : tile->getOpOperands())
    if (operand.get() == alloca &&
        (!tile.isDpsInit(&operand) || !tile.getMatchingBlockArgument(&operand).use_empty()))
      return false;
  return true;
}

/// A sum over one loop, added to a scalar that is zero: the sum is the scalar's initial value.
bool KernelPrinter::isFirstSumOf(Operation *op, Value buffer) {
  while (op && isa<memref::SubViewOp, arith::ConstantOp>(op))
    op = op->getNextNode();
  auto tile = dyn_cast_or_null<linalg::GenericOp>(op);
  if (!tile || tile.getDpsInits().size() != 1 || tile.getDpsInits()[0] != buffer)
    return false;
  Lanes lanes = chooseLanes(tile);
  if (!lanes.reduces || !isa<arith::AddFOp>(tile.getBody()->getTerminator()->getOperand(0).getDefiningOp()))
    return false;
  for (auto [dim, size] : llvm::enumerate(tile.getStaticLoopRanges()))
    if (static_cast<int>(dim) != lanes.dim && size != 1)
      return false;
  return true;
}

/// The fill of a whole buffer with zero, right behind its declaration, is its initialiser.
bool KernelPrinter::isZeroFillOf(Operation *op, Value buffer) {
  auto fill = dyn_cast_or_null<linalg::GenericOp>(op);
  if (!fill || fill.getNumDpsInputs() != 0 || fill.getDpsInits().size() != 1 || fill.getDpsInits()[0] != buffer)
    return false;
  auto constant = fill.getBody()->getTerminator()->getOperand(0).getDefiningOp<arith::ConstantOp>();
  auto number = constant ? dyn_cast<FloatAttr>(constant.getValue()) : FloatAttr();
  return number && number.getValue().isPosZero();
}

/// The shape of a buffer on the stack with rows of whole vectors, where that is not much larger.
SmallVector<int64_t> KernelPrinter::paddedShape(MemRefType type) {
  constexpr int64_t mostElements = 2048;
  SmallVector<int64_t> shape(type.getShape());
  if (type.getElementType().isInteger(1))
    return shape;
  unsigned axis = vectorAxis(type);
  int64_t padded = (shape[axis] + vectorLanes - 1) / vectorLanes * vectorLanes;
  if (type.getNumElements() / shape[axis] * padded <= mostElements)
    shape[axis] = padded;
  return shape;
}

void KernelPrinter::declare(memref::AllocaOp alloca) {
  MemRefType type = alloca.getType();
  Type elementType = type.getElementType();
  auto wish = alloca->getAttrOfType<StringAttr>("horn.name");
  std::string name = names.take(wish ? lastPart(wish.getValue()) : "tile");
  Place place{Place::memory, name, Linear(), stridesOf(type.getShape()), elementType};

  Operation *next = alloca->getNextNode();
  while (next && isa<arith::ConstantOp>(next))
    next = next->getNextNode();
  bool zero = isZeroFillOf(next, alloca);
  if (zero)
    skipped.insert(next);

  if (type.getNumElements() == 1) {
    place.kind = Place::scalar;
    if (zero ? isFirstSumOf(next->getNextNode(), alloca) : isWrittenAtOnce(alloca)) {
      place.declared = false;
      places[alloca] = place;
      return;
    }
    line(scalarType(elementType) + " " + name + (zero ? " = " + literal(0, elementType) : "") + ";");
  } else if (inRegisters.contains(alloca)) {
    place.kind = Place::registers;
    std::string extents;
    unsigned axis = vectorAxis(type);
    for (int64_t size : type.getShape().take_front(axis))
      if (size > 1)
        extents += "[" + std::to_string(size) + "]";
    int64_t vectors = (type.getDimSize(axis) + vectorLanes - 1) / vectorLanes;
    if (vectors > 1)
      extents += "[" + std::to_string(vectors) + "]";
    line(vectorType(elementType, vectorLanes) + " " + name + extents + (zero ? " = {}" : "") + ";");
  } else {
    SmallVector<int64_t> shape = paddedShape(type);
    place.padded = shape != type.getShape();
    place.strides = stridesOf(shape);
    int64_t elements = 1;
    for (int64_t size : shape)
      elements *= size;
    line("alignas(64) " + scalarType(elementType) + " " + name + "[" + std::to_string(elements) + "]" +
         (zero ? " = {}" : "") + ";");
  }
  places[alloca] = place;
}

/// A table that was in the model's source.
void KernelPrinter::declareConstant(Operation *cast) {
  auto constant = cast->getOperand(0).getDefiningOp<arith::ConstantOp>();
  auto type = llvm::cast<MemRefType>(cast->getResult(0).getType());
  std::string name = names.take("table"), text;
  Type element = type.getElementType();
  auto elements = llvm::cast<DenseElementsAttr>(constant.getValue());
  auto append = [&](double value) { text += (text.empty() ? "" : ", ") + literal(value, element); };
  if (isa<FloatType>(element))
    for (APFloat value : elements.getValues<APFloat>())
      append(value.convertToDouble());
  else
    for (APInt value : elements.getValues<APInt>())
      append(static_cast<double>(element.isInteger(1) ? value.getZExtValue() : value.getSExtValue()));
  line("static const " + scalarType(element) + " " + name + "[" + std::to_string(type.getNumElements()) + "] = {" + text +
       "};");
  places[cast->getResult(0)] = {Place::memory, name, Linear(), stridesOf(type.getShape()), element};
}

} // namespace hornfels

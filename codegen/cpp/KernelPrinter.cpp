#include "codegen/cpp/KernelPrinter.h"

#include "codegen/Wrap.h"
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

void KernelPrinter::line(const Twine &text) { out += wrappedStatement(text.str(), depth); }

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

/// The function of the runtime fills its last operand.
static bool fillsLastOperand(Operation *op) {
  auto function = op->getAttrOfType<StringAttr>("horn.call");
  return function && (function == "pad_row" || function == "orthonormal_rows");
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
      else if (fillsLastOperand(use.getOwner()) && use.getOperandNumber() + 1 == use.getOwner()->getNumOperands())
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
  return wrappedList("static void " + printed.name + "(", parameters, ") {");
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
  if (auto id = dyn_cast<IdOp>(op)) {
    Place place = places.lookup(id.getIds());
    for (auto [axis, index] : llvm::enumerate(id.getPlace()))
      place.offset = place.offset + indexOf(index) * place.strides[axis];
    std::string name = names.take("id");
    line("const long " + name + " = " + place.base + "[" + place.offset.str() + "];");
    indices[id.getId()] = Linear::symbol(name);
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

/// A function of the runtime: of rows of ids, or of a whole matrix.
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
  auto pointer = [&](unsigned operand) {
    Place place = places.lookup(op.getOperand(operand));
    if (place.kind == Place::scalar) // a buffer of one element
      return "&" + place.base;
    return "&" + place.base + "[" + place.offset.str() + "]";
  };
  if (function == "pad_row") {
    auto flag = [&](StringRef name) { return op.getAttrOfType<BoolAttr>(name).getValue() ? "true" : "false"; };
    auto number = [&](StringRef name) { return std::to_string(op.getAttrOfType<IntegerAttr>(name).getInt()); };
    line("pad_row<" + Twine(flag("before")) + ", " + flag("cut_before") + ">(" + tokens[op.getOperand(0)] + ", " +
         index(1).str() + ", " + number("length") + ", " + number("value") + ", " + pointer(2) + ");");
    return success();
  }
  if (function == "orthonormal_rows") {
    auto type = cast<MemRefType>(op.getOperand(0).getType());
    line("orthonormal_rows(" + Twine(type.getDimSize(0)) + ", " + Twine(type.getDimSize(1)) + ", " + pointer(0) + ", " +
         pointer(1) + ");");
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

} // namespace hornfels

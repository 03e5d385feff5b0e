#include "passes/fuse/Outline.h"

#include "passes/fuse/Equation.h"

#include "ir/Structure.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

/// What a value is called: by the user for arguments and results, else by the layer that made it.
static std::string nameOf(Value value, func::FuncOp host) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    if (auto name = host.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "horn.name"))
      return name.str();
  for (OpOperand &use : value.getUses())
    if (isa<func::ReturnOp>(use.getOwner()))
      if (auto name = host.getResultAttrOfType<StringAttr>(use.getOperandNumber(), "horn.name"))
        return name.str();
  return nameByOrigin(value);
}

/// What a kernel is called: after the variable that it updates, else after the layer and the direction.
static std::string kernelName(ArrayRef<Operation *> members, func::FuncOp host) {
  for (Operation *member : members)
    for (OpOperand &use : member->getUses())
      if (isa<func::ReturnOp>(use.getOwner())) {
        auto role = host.getResultAttrOfType<StringAttr>(use.getOperandNumber(), "horn.role");
        auto name = host.getResultAttrOfType<StringAttr>(use.getOperandNumber(), "horn.name");
        if (role && name && role == "weight")
          return (name.getValue() + (host.getName() == "initialize" ? "_initialize" : "_update")).str();
      }
  Origin origin = originOf(members.front()->getLoc());
  if (origin.name.empty())
    return "kernel";
  if (llvm::any_of(members, [](Operation *member) { return member->hasAttr("horn.parts"); }))
    return (origin.name + (origin.backward ? "_backward_parts" : "_parts")).str();
  if (origin.name == "metrics" || origin.name == "optimizer")
    return (origin.name + "_update").str();
  if (origin.backward)
    return (origin.name + "_backward").str();
  // The forward pass of predict is everyone's; what a step adds to it makes a kernel of its own.
  bool turns = llvm::any_of(members, [](Operation *member) { return originOf(member->getLoc()).backward; });
  StringRef direction = turns                                ? "_forward_backward"
                        : host.getName() == "evaluate_step" ? "_evaluate"
                                                             : "_forward";
  return (origin.name + direction).str();
}

namespace {

/// Builds the body of one kernel.
class KernelBuilder {
public:
  KernelBuilder(func::FuncOp host, OpBuilder &builder, Outliner::Units units) : host(host), builder(builder) {
    for (ArrayRef<Operation *> unit : units)
      for (Operation *op : unit)
        inside.insert(op);
  }

  /// Inputs in the order of their first use; outputs are what is used outside, and what does not fit a tile.
  void findInterface(ArrayRef<Operation *> members, Outliner::Units units) {
    for (ArrayRef<Operation *> unit : units)
      for (Operation *op : unit)
        findInputs(op);
    for (Operation *member : members)
      for (Value result : member->getResults()) {
        bool outside = usedOutside(result, members);
        if (outside || spills(result, units))
          outputs.push_back(result);
        if (!outside)
          inner.insert(result);
      }
  }

  func::FuncOp build(Outliner::Units units, Location loc) {
    SmallVector<Type> inputTypes = llvm::to_vector(ValueRange(inputs.getArrayRef()).getTypes());
    SmallVector<Type> outputTypes = llvm::to_vector(ValueRange(outputs).getTypes());
    auto kernel = func::FuncOp::create(loc, "kernel", builder.getFunctionType(inputTypes, outputTypes));
    kernel.setPrivate();
    kernel->setAttr("horn.kernel", builder.getUnitAttr());
    Block *body = kernel.addEntryBlock();
    builder.setInsertionPointToStart(body);
    map.map(inputs.getArrayRef(), body->getArguments());
    for (ArrayRef<Operation *> unit : units)
      if (unit.size() == 1 && !isElementwise(unit.front()))
        cloneWithSupport(unit.front());
      else
        mergeElementwise(unit);
    SmallVector<Value> results;
    for (Value output : outputs)
      results.push_back(map.lookup(output));
    builder.create<func::ReturnOp>(loc, results);
    for (auto [index, value] : llvm::enumerate(inputs))
      kernel.setArgAttr(index, "horn.name", builder.getStringAttr(nameOf(value, host)));
    kernel->setAttr("horn.equations", builder.getStrArrayAttr(equationsOf(units)));
    for (auto [index, value] : llvm::enumerate(outputs)) {
      kernel.setResultAttr(index, "horn.name", builder.getStringAttr(nameOf(value, host)));
      if (inner.contains(value))
        kernel.setResultAttr(index, "horn.private", builder.getUnitAttr());
    }
    return kernel;
  }

  llvm::SetVector<Value> inputs;
  SmallVector<Value> outputs;

private:
  /// One line for each value that a unit gives to others.
  SmallVector<StringRef> equationsOf(Outliner::Units units) {
    EquationWriter writer([&](Value value) { return nameOf(value, host); });
    for (ArrayRef<Operation *> unit : units)
      for (Operation *op : unit) {
        Value result = op->getResult(0);
        bool inner = llvm::all_of(result.getUsers(), [&](Operation *user) { return llvm::is_contained(unit, user); });
        if (!inner)
          equations.push_back(writer.equation(op, unit));
      }
    return llvm::map_to_vector(equations, [](const std::string &line) { return StringRef(line); });
  }

  /// Constants, fills and empty tensors are part of the kernel; anything else from outside is an input.
  static bool isSupport(Operation *op) {
    return isa<BatchOp, arith::ConstantOp, tensor::EmptyOp, linalg::FillOp>(op);
  }

  void findInputs(Operation *op) {
    auto consider = [&](Value operand) {
      Operation *producer = operand.getDefiningOp();
      if (producer && inside.contains(producer))
        return;
      if (producer && isSupport(producer))
        findInputs(producer);
      else
        inputs.insert(operand);
    };
    for (Value operand : op->getOperands())
      consider(operand);
    // Bodies of generics read nothing but the batch from outside.
  }

  static bool usedOutside(Value result, ArrayRef<Operation *> members) {
    return llvm::any_of(result.getUsers(), [&](Operation *user) { return !llvm::is_contained(members, user); });
  }

  /// A value that another loop nest reads, too large for a tile on the stack. What only the epilogue of its own tile
  /// reads never leaves the registers.
  bool spills(Value result, Outliner::Units units) {
    Operation *producer = result.getDefiningOp();
    if (isScatter(producer) || isa<MultiHotOp, CountOp, PadTokensOp, OrthonormalOp>(producer))
      return true;
    auto unitOf = [&](Operation *op) {
      return llvm::find_if(units, [&](ArrayRef<Operation *> unit) { return llvm::is_contained(unit, op); });
    };
    llvm::SmallPtrSet<const void *, 4> readers;
    bool epilogueOnly = !isElementwise(producer);
    for (Operation *user : result.getUsers()) {
      auto unit = unitOf(user);
      if (unit == units.end() || unit == unitOf(producer))
        continue;
      readers.insert(unit);
      epilogueOnly &= isElementwise(user) && parallelSizes(user) == parallelSizes(producer);
    }
    if (readers.empty() || (epilogueOnly && readers.size() == 1))
      return false;
    auto type = cast<RankedTensorType>(result.getType());
    int64_t leading = type.getRank() > 0 && !type.isDynamicDim(0) ? type.getDimSize(0) : 1;
    int64_t rowElements = elementsPerSample(type) / std::max<int64_t>(leading, 1);
    return rowElements * elementBytes(type.getElementType()) * kTileRows > kTileBytes;
  }

  void mapSupport(Operation *op) {
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (Operation *producer = operand.getDefiningOp(); producer && !map.contains(operand) && isSupport(producer) &&
                                                           !op->isProperAncestor(producer))
          cloneWithSupport(producer);
    });
  }

  void cloneWithSupport(Operation *op) {
    mapSupport(op);
    builder.clone(*op, map);
  }

  /// One generic for element-wise operations of one domain: an input for everything that comes from outside, an
  /// output for everything that is read outside.
  void mergeElementwise(ArrayRef<Operation *> unit) {
    SmallVector<Value> operands, destinations, results;
    SmallVector<AffineMap> inputMaps, outputMaps;
    for (Operation *op : unit) {
      auto generic = cast<linalg::GenericOp>(op);
      mapSupport(op);
      for (OpOperand *input : generic.getDpsInputOperands()) {
        if (llvm::is_contained(unit, input->get().getDefiningOp()))
          continue;
        AffineMap read = generic.getMatchingIndexingMap(input);
        if (slotOf(operands, inputMaps, input->get(), read) == operands.size()) {
          operands.push_back(input->get());
          inputMaps.push_back(read);
        }
      }
      Value result = generic.getResult(0);
      bool read = llvm::any_of(result.getUsers(), [&](Operation *user) {
        return !llvm::is_contained(unit, user) && (inside.contains(user) || llvm::is_contained(outputs, result));
      });
      if (read) {
        results.push_back(result);
        destinations.push_back(generic.getDpsInits()[0]);
        outputMaps.push_back(generic.getIndexingMapsArray().back());
      }
    }
    buildMerged(unit, operands, inputMaps, results, destinations, outputMaps);
  }

  static size_t slotOf(ArrayRef<Value> operands, ArrayRef<AffineMap> maps, Value value, AffineMap map) {
    size_t slot = 0;
    while (slot < operands.size() && (operands[slot] != value || maps[slot] != map))
      ++slot;
    return slot;
  }

  void buildMerged(ArrayRef<Operation *> unit, ArrayRef<Value> operands, ArrayRef<AffineMap> inputMaps,
                   ArrayRef<Value> results, ArrayRef<Value> destinations, ArrayRef<AffineMap> outputMaps) {
    auto first = cast<linalg::GenericOp>(unit.front());
    auto mapped = [&](ArrayRef<Value> values) {
      return llvm::map_to_vector(values, [&](Value value) { return map.lookup(value); });
    };
    SmallVector<AffineMap> maps(inputMaps);
    maps.append(outputMaps.begin(), outputMaps.end());
    auto buildBody = [&](OpBuilder &b, Location loc, ValueRange arguments) {
      IRMapping inner = map;
      DenseMap<Value, Value> elements;
      for (Operation *op : unit) {
        auto generic = cast<linalg::GenericOp>(op);
        Block *body = generic.getBody();
        for (auto [input, argument] : llvm::zip(generic.getDpsInputOperands(), body->getArguments())) {
          auto computed = elements.find(input->get());
          if (computed != elements.end())
            inner.map(argument, computed->second);
          else
            inner.map(argument,
                      arguments[slotOf(operands, inputMaps, input->get(), generic.getMatchingIndexingMap(input))]);
        }
        for (Operation &scalar : body->without_terminator())
          b.clone(scalar, inner);
        elements[generic.getResult(0)] = inner.lookup(body->getTerminator()->getOperand(0));
      }
      SmallVector<Value> yielded;
      for (Value result : results)
        yielded.push_back(elements[result]);
      b.create<linalg::YieldOp>(loc, yielded);
    };
    SmallVector<Type> types = llvm::to_vector(ValueRange(results).getTypes());
    auto merged = builder.create<linalg::GenericOp>(first.getLoc(), types, mapped(operands), mapped(destinations), maps,
                                                    first.getIteratorTypesArray(), buildBody);
    map.map(results, merged.getResults());
  }

  func::FuncOp host;
  OpBuilder &builder;
  IRMapping map;
  llvm::SmallPtrSet<Operation *, 16> inside;
  DenseSet<Value> inner; ///< results that only the kernel itself reads
  std::vector<std::string> equations;
};

} // namespace

/// A kernel that does the same: the forward pass of predict and of evaluate_step is one function.
static func::FuncOp findEquivalent(ModuleOp module, func::FuncOp kernel) {
  for (auto other : module.getOps<func::FuncOp>())
    if (other->hasAttr("horn.kernel") && other.getFunctionType() == kernel.getFunctionType() &&
        OperationEquivalence::isRegionEquivalentTo(&other.getBody(), &kernel.getBody(),
                                                   OperationEquivalence::IgnoreLocations))
      return other;
  return {};
}

/// `text` without the name of a layer: "dense_1/bias" -> "bias", "d_dense_1" -> "d_layer".
static std::string withoutLayer(std::string text, StringRef layer) {
  auto isPartOfName = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (size_t at = 0; (at = text.find(layer.str(), at)) != std::string::npos;) {
    size_t end = at + layer.size();
    bool startsName = at == 0 || !isPartOfName(text[at - 1]) || StringRef(text).take_front(at).ends_with("d_");
    bool endsName = end == text.size() || !isPartOfName(text[end]) || StringRef(text).drop_front(end).starts_with("_");
    if (!startsName || !endsName || (end < text.size() && llvm::isDigit(text[end]))) {
      at = end;
      continue;
    }
    bool path = end < text.size() && text[end] == '/';
    text.replace(at, layer.size() + path, path ? "" : "layer");
    at += path ? 0 : 5;
  }
  return text;
}

/// A kernel that serves a second layer of the same shape is named for neither.
static void share(func::FuncOp kernel, StringRef otherLayer, ModuleOp module) {
  OpBuilder b(kernel.getContext());
  StringRef layer = originOf(kernel.getLoc()).name;
  SmallVector<Attribute> layers;
  if (auto known = kernel->getAttrOfType<ArrayAttr>("horn.layers")) {
    layers.assign(known.begin(), known.end());
  } else {
    layers.push_back(b.getStringAttr(layer));
    std::string wish = withoutLayer(kernel.getName().str(), layer), name = wish;
    for (unsigned number = 2; module.lookupSymbol(name); ++number)
      name = wish + "_" + std::to_string(number);
    if (succeeded(SymbolTable::replaceAllSymbolUses(kernel, b.getStringAttr(name), module)))
      kernel.setName(name);
    auto rename = [&](StringAttr old) { return b.getStringAttr(withoutLayer(old.str(), layer)); };
    for (unsigned i = 0; i < kernel.getNumArguments(); ++i)
      kernel.setArgAttr(i, "horn.name", rename(kernel.getArgAttrOfType<StringAttr>(i, "horn.name")));
    for (unsigned i = 0; i < kernel.getNumResults(); ++i)
      kernel.setResultAttr(i, "horn.name", rename(kernel.getResultAttrOfType<StringAttr>(i, "horn.name")));
    SmallVector<Attribute> equations;
    for (auto equation : kernel->getAttrOfType<ArrayAttr>("horn.equations").getAsRange<StringAttr>())
      equations.push_back(rename(equation));
    kernel->setAttr("horn.equations", b.getArrayAttr(equations));
  }
  Attribute other = b.getStringAttr(otherLayer);
  if (!llvm::is_contained(layers, other))
    layers.push_back(other);
  kernel->setAttr("horn.layers", b.getArrayAttr(layers));
}

void Outliner::outline(ArrayRef<Operation *> members, Units units) {
  KernelBuilder kernelBuilder(host, builder, units);
  kernelBuilder.findInterface(members, units);
  func::FuncOp kernel = kernelBuilder.build(units, members.front()->getLoc());

  auto module = host->getParentOfType<ModuleOp>();
  if (func::FuncOp existing = findEquivalent(module, kernel)) {
    StringRef layer = originOf(kernel.getLoc()).name, first = originOf(existing.getLoc()).name;
    for (unsigned result = 0; result < kernel.getNumResults(); ++result)
      if (!kernel.getResultAttr(result, "horn.private"))
        existing.removeResultAttr(result, builder.getStringAttr("horn.private"));
    kernel.erase();
    kernel = existing;
    if (layer != first && !layer.empty() && !first.empty())
      share(kernel, layer, module);
  } else {
    kernel.setName(kernelName(members, host));
    SymbolTable(module).insert(kernel, Block::iterator(host));
  }

  builder.setInsertionPoint(host.getBody().front().getTerminator());
  SmallVector<Value> operands;
  for (Value input : kernelBuilder.inputs)
    operands.push_back(inHost(input));
  auto call = builder.create<func::CallOp>(members.front()->getLoc(), kernel, operands);
  hostValues.map(ArrayRef<Value>(kernelBuilder.outputs), call.getResults());
}

/// A change of type between two kernels is made where it is first needed.
Value Outliner::inHost(Value value) {
  if (auto reshape = value.getDefiningOp<ReshapeOp>(); reshape && !hostValues.contains(value))
    builder.clone(*reshape, hostValues);
  return hostValues.lookupOrDefault(value);
}

void Outliner::keep(Operation *loop) {
  builder.setInsertionPoint(host.getBody().front().getTerminator());
  for (Value operand : loop->getOperands())
    hostValues.map(operand, inHost(operand));
  builder.clone(*loop, hostValues);
}

void Outliner::finish() {
  Operation *terminator = host.getBody().front().getTerminator();
  for (OpOperand &result : terminator->getOpOperands())
    result.set(hostValues.lookupOrDefault(result.get()));
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(host.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

} // namespace hornfels

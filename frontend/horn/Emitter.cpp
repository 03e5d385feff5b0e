#include "frontend/horn/Emitter.h"

#include "frontend/horn/EmitterImpl.h"

#include "ir/HornDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace hornfels::frontend {

static_assert(batchSize == horn::kBatch);

Emitter::Impl::Impl(MLIRContext &context, Element real)
    : context(context), real(real), builder(&context), loc(UnknownLoc::get(&context)) {
  context.loadDialect<func::FuncDialect, horn::HornDialect>();
  module = ModuleOp::create(loc);
}

Value_ Emitter::Impl::value(Handle handle) const { return Value_::getFromOpaquePointer(handle); }

Type Emitter::Impl::element(Element element) {
  switch (element) {
  case Element::F32:
    return builder.getF32Type();
  case Element::F64:
    return builder.getF64Type();
  case Element::I32:
    return builder.getI32Type();
  case Element::I64:
    return builder.getI64Type();
  case Element::Bool:
    return builder.getI1Type();
  }
  return {};
}

RankedTensorType Emitter::Impl::tensor(Element e, const Shape &shape) {
  return RankedTensorType::get(shape, element(e));
}

Type Emitter::Impl::type(const TensorType &type) {
  if (type.vocabulary)
    return horn::TokensType::get(&context, type.vocabulary);
  return tensor(type.element, type.shape);
}

template <typename Op, typename... Args> Handle Emitter::Impl::create(Args &&...args) {
  return builder.create<Op>(loc, std::forward<Args>(args)...)
      .getOperation()
      ->getResult(0)
      .getAsOpaquePointer();
}

Emitter::Emitter(MLIRContext &context, Element real) : impl(std::make_unique<Impl>(context, real)) {}
Emitter::~Emitter() {
  for (auto &function : impl->functions)
    if (function.block)
      function.block->dropAllReferences();
}

void Emitter::setPlace(Place place) {
  impl->place = std::move(place);
  const Place &p = impl->place;
  Location where = UnknownLoc::get(&impl->context);
  if (p.line)
    where = FileLineColLoc::get(&impl->context, p.file, p.line, p.column);
  impl->loc = p.name.empty() ? where : NameLoc::get(StringAttr::get(&impl->context, p.name), where);
}
const Emitter::Place &Emitter::place() const { return impl->place; }

int Emitter::addFunction(std::string name) {
  impl->functions.emplace_back(std::move(name), std::make_unique<mlir::Block>());
  return static_cast<int>(impl->functions.size()) - 1;
}

void Emitter::enter(int function) {
  impl->currentFunction = function;
  impl->builder.setInsertionPointToEnd(impl->function().innermost());
}
int Emitter::current() const { return impl->currentFunction; }

Handle Emitter::addArgument(const TensorType &type) {
  mlir::Block &block = *impl->functions[static_cast<size_t>(impl->currentFunction)].block;
  return block.addArgument(impl->type(type), impl->loc).getAsOpaquePointer();
}

/// Arguments are made while the body is built, in the order of their first use; here they get the order of
/// the signature: the operations move into a new block with that order.
void Emitter::finish(int function, const std::vector<Port> &arguments, const std::vector<Port> &results) {
  auto &built = impl->functions[static_cast<size_t>(function)];
  SmallVector<Type> argumentTypes, resultTypes;
  SmallVector<Value_> resultValues;
  for (const Port &port : arguments)
    argumentTypes.push_back(impl->value(port.handle).getType());
  for (const Port &port : results) {
    resultValues.push_back(impl->value(port.handle));
    resultTypes.push_back(resultValues.back().getType());
  }
  OpBuilder &builder = impl->builder;
  Location unknown = UnknownLoc::get(&impl->context);
  auto op = func::FuncOp::create(unknown, built.name,
                                 FunctionType::get(&impl->context, argumentTypes, resultTypes));
  auto name = [&](const Port &port) { return builder.getStringAttr(port.name); };
  auto role = [&](const Port &port) { return builder.getStringAttr(port.role); };
  impl->module->push_back(op);
  mlir::Block *body = op.addEntryBlock();
  for (auto [index, port] : llvm::enumerate(arguments)) {
    op.setArgAttr(index, "horn.name", name(port));
    op.setArgAttr(index, "horn.role", role(port));
    BlockArgument argument = body->getArgument(index);
    argument.setLoc(impl->value(port.handle).getLoc());
    impl->value(port.handle).replaceAllUsesWith(argument);
    for (Value_ &result : resultValues)
      if (result == impl->value(port.handle))
        result = argument;
  }
  for (auto [index, port] : llvm::enumerate(results)) {
    op.setResultAttr(index, "horn.name", name(port));
    op.setResultAttr(index, "horn.role", role(port));
  }
  body->getOperations().splice(body->end(), built.block->getOperations());
  builder.setInsertionPointToEnd(body);
  builder.create<func::ReturnOp>(unknown, resultValues);
  built.block.reset();
}

Handle Emitter::elementwise(std::string_view name, const std::vector<Handle> &operands) {
  SmallVector<Value_> values;
  for (Handle operand : operands)
    values.push_back(impl->value(operand));
  OperationState state(impl->loc, "horn." + std::string(name), values, {values[0].getType()});
  return impl->builder.create(state)->getResult(0).getAsOpaquePointer();
}

Handle Emitter::compare(BinaryOp predicate, Handle a, Handle b) {
  using P = horn::ComparePredicate;
  P p = predicate == BinaryOp::Less           ? P::lt
        : predicate == BinaryOp::LessEqual    ? P::le
        : predicate == BinaryOp::Greater      ? P::gt
        : predicate == BinaryOp::GreaterEqual ? P::ge
        : predicate == BinaryOp::Equal        ? P::eq
                                              : P::ne;
  return impl->create<horn::CompareOp>(p, impl->value(a), impl->value(b));
}

Handle Emitter::select(Handle condition, Handle a, Handle b) {
  return impl->create<horn::SelectOp>(impl->value(condition), impl->value(a), impl->value(b));
}

Handle Emitter::cast(Handle x, Element element) {
  auto type = mlir::cast<RankedTensorType>(impl->value(x).getType());
  return impl->create<horn::CastOp>(type.clone(impl->element(element)), impl->value(x));
}

Handle Emitter::full(double value, Element element, const Shape &shape) {
  return impl->create<horn::FullOp>(impl->tensor(element, shape), value);
}

Handle Emitter::iota(int64_t axis, Element element, const Shape &shape) {
  return impl->create<horn::IotaOp>(impl->tensor(element, shape), static_cast<uint64_t>(axis));
}

Handle Emitter::batchSizeTensor() { return impl->create<horn::BatchSizeOp>(impl->tensor(impl->real, {})); }

Handle Emitter::broadcast(Handle x, const std::vector<int64_t> &axes, const Shape &shape) {
  auto from = mlir::cast<RankedTensorType>(impl->value(x).getType());
  auto to = RankedTensorType::get(shape, from.getElementType());
  return impl->create<horn::BroadcastOp>(to, impl->value(x), axes);
}

Handle Emitter::reshape(Handle x, const Shape &shape) {
  auto from = mlir::cast<RankedTensorType>(impl->value(x).getType());
  return impl->create<horn::ReshapeOp>(RankedTensorType::get(shape, from.getElementType()), impl->value(x));
}

Handle Emitter::transpose(Handle x, const std::vector<int64_t> &permutation) {
  return impl->create<horn::TransposeOp>(impl->value(x), permutation);
}

Handle Emitter::slice(Handle x, const std::vector<int64_t> &offsets, const std::vector<int64_t> &sizes,
                      const std::vector<int64_t> &strides) {
  return impl->create<horn::SliceOp>(impl->value(x), offsets, sizes, strides);
}

Handle Emitter::embed(Handle x, const std::vector<int64_t> &offsets, const std::vector<int64_t> &strides,
                      const Shape &shape) {
  auto from = mlir::cast<RankedTensorType>(impl->value(x).getType());
  auto to = RankedTensorType::get(shape, from.getElementType());
  return impl->create<horn::EmbedOp>(to, impl->value(x), offsets, strides);
}

Handle Emitter::concat(const std::vector<Handle> &xs, int64_t axis) {
  SmallVector<Value_> values;
  for (Handle x : xs)
    values.push_back(impl->value(x));
  return impl->create<horn::ConcatOp>(values, static_cast<uint64_t>(axis));
}

Handle Emitter::reduce(Reduction kind, Handle x, const std::vector<int64_t> &axes) {
  switch (kind) {
  case Reduction::Sum:
    return impl->create<horn::ReduceSumOp>(impl->value(x), axes);
  case Reduction::Max:
    return impl->create<horn::ReduceMaxOp>(impl->value(x), axes);
  case Reduction::Min:
    return impl->create<horn::ReduceMinOp>(impl->value(x), axes);
  case Reduction::Product:
    return impl->create<horn::ReduceProdOp>(impl->value(x), axes);
  }
  return nullptr;
}

Handle Emitter::argmax(Handle x, int64_t axis) {
  return impl->create<horn::ArgmaxOp>(impl->value(x), static_cast<uint64_t>(axis));
}

Handle Emitter::matmul(Handle x, Handle w) {
  return horn::ContractOp::createMatmul(impl->builder, impl->loc, impl->value(x), impl->value(w))
      .getAsOpaquePointer();
}

Handle Emitter::contract(Handle a, Handle b, const std::vector<int64_t> &lhs, const std::vector<int64_t> &rhs,
                         const std::vector<int64_t> &out, int64_t dimensions) {
  auto map = [&](const std::vector<int64_t> &dims) {
    SmallVector<AffineExpr> exprs;
    for (int64_t dim : dims)
      exprs.push_back(impl->builder.getAffineDimExpr(static_cast<unsigned>(dim)));
    return AffineMap::get(static_cast<unsigned>(dimensions), 0, exprs, &impl->context);
  };
  return impl->create<horn::ContractOp>(impl->value(a), impl->value(b), map(lhs), map(rhs), map(out));
}

Handle Emitter::windows(Handle x, const std::vector<int64_t> &axes, const std::vector<int64_t> &sizes,
                        const std::vector<int64_t> &strides, const std::vector<int64_t> &dilations) {
  return impl->create<horn::WindowsOp>(impl->value(x), axes, sizes, strides, dilations);
}

Handle Emitter::reduceWindows(Reduction kind, Handle x, const std::vector<int64_t> &axes,
                              const std::vector<int64_t> &sizes, const std::vector<int64_t> &strides,
                              const std::vector<int64_t> &dilations) {
  if (kind == Reduction::Sum)
    return impl->create<horn::WindowSumOp>(impl->value(x), axes, sizes, strides, dilations);
  return impl->create<horn::WindowMaxOp>(impl->value(x), axes, sizes, strides, dilations);
}

Handle Emitter::embed(Handle x, const Shape &shape, const std::vector<int64_t> &offsets,
                      const std::vector<int64_t> &strides, double value) {
  auto type = mlir::cast<RankedTensorType>(impl->value(x).getType()).clone(shape);
  auto &b = impl->builder;
  return impl->create<horn::EmbedOp>(type, impl->value(x), b.getDenseI64ArrayAttr(offsets), b.getDenseI64ArrayAttr(strides),
                                     b.getF64FloatAttr(value));
}

Handle Emitter::gather(Handle ids, Handle table) {
  return impl->create<horn::GatherOp>(impl->value(ids), impl->value(table));
}

Handle Emitter::padTokens(Handle tokens, int64_t length, bool before, bool cutBefore, int64_t value) {
  auto &b = impl->builder;
  auto type = RankedTensorType::get({horn::kBatch, length}, b.getI32Type());
  auto flag = [&](bool is) { return is ? b.getUnitAttr() : mlir::UnitAttr(); };
  return impl->create<horn::PadTokensOp>(type, impl->value(tokens), flag(before), flag(cutBefore),
                                         b.getI32IntegerAttr(static_cast<int32_t>(value)));
}

Handle Emitter::orthonormal(Handle x) { return impl->create<horn::OrthonormalOp>(impl->value(x)); }

Handle Emitter::encode(std::string_view name, Handle tokens) {
  if (name == "multi_hot")
    return impl->create<horn::MultiHotOp>(impl->value(tokens), impl->element(impl->real));
  return impl->create<horn::CountOp>(impl->value(tokens), impl->element(impl->real));
}

Handle Emitter::random(std::string_view name, Handle seed, Handle step, int64_t stream, const Shape &shape) {
  auto type = impl->tensor(impl->real, shape);
  auto streamAttr = static_cast<uint64_t>(stream);
  if (name == "random_uniform")
    return impl->create<horn::RandomUniformOp>(type, impl->value(seed), impl->value(step), streamAttr);
  return impl->create<horn::RandomNormalOp>(type, impl->value(seed), impl->value(step), streamAttr);
}

std::vector<Handle> Emitter::openScan(const std::vector<Handle> &initial, const std::vector<Handle> &xs) {
  auto &body = *impl->function().openScans.emplace_back(std::make_unique<mlir::Block>());
  std::vector<Handle> arguments;
  for (Handle carry : initial)
    arguments.push_back(body.addArgument(impl->value(carry).getType(), impl->loc).getAsOpaquePointer());
  for (Handle x : xs)
    arguments.push_back(body.addArgument(horn::ScanOp::elementOf(impl->value(x).getType()), impl->loc).getAsOpaquePointer());
  impl->builder.setInsertionPointToEnd(&body);
  return arguments;
}

void Emitter::abandonScan() {
  impl->function().openScans.pop_back();
  impl->builder.setInsertionPointToEnd(impl->function().innermost());
}

std::vector<Handle> Emitter::closeScan(const std::vector<Handle> &initial, const std::vector<Handle> &xs,
                                       const std::vector<Handle> &carries, const std::vector<Handle> &ys,
                                       int64_t length, bool reverse, const std::vector<std::string> &names) {
  auto values = [&](const std::vector<Handle> &handles) {
    SmallVector<Value_> list;
    for (Handle handle : handles)
      list.push_back(impl->value(handle));
    return list;
  };
  SmallVector<Value_> yielded = values(carries);
  yielded.append(values(ys));
  impl->builder.create<horn::YieldOp>(impl->loc, yielded);

  // What the body reads from outside becomes an operand.
  std::unique_ptr<mlir::Block> body = std::move(impl->function().openScans.back());
  impl->function().openScans.pop_back();
  llvm::MapVector<Value_, Value_> inner;
  for (mlir::Operation &op : *body) // bodies within are closed: they read their own arguments
    for (OpOperand &operand : op.getOpOperands())
      if (operand.get().getParentBlock() != body.get()) {
        Value_ &argument = inner[operand.get()];
        if (!argument)
          argument = body->addArgument(operand.get().getType(), operand.get().getLoc());
        operand.set(argument);
      }
  SmallVector<Value_> invariants;
  for (auto &[outside, argument] : inner)
    invariants.push_back(outside);

  SmallVector<Type> types;
  for (Handle carry : initial)
    types.push_back(impl->value(carry).getType());
  for (Value_ y : ArrayRef(yielded).drop_front(initial.size()))
    types.push_back(horn::ScanOp::stackOf(y.getType(), length));
  OpBuilder &builder = impl->builder;
  builder.setInsertionPointToEnd(impl->function().innermost());
  auto scan = builder.create<horn::ScanOp>(impl->loc, types, static_cast<uint64_t>(length), values(initial), values(xs),
                                           invariants, reverse);
  SmallVector<StringRef> texts(names.begin(), names.end());
  scan->setAttr("horn.names", builder.getStrArrayAttr(texts));
  scan.getBody().push_back(body.release());
  std::vector<Handle> results;
  for (Value_ result : scan.getResults())
    results.push_back(result.getAsOpaquePointer());
  return results;
}

std::vector<Handle> Emitter::gradient(Handle loss, const std::vector<Handle> &weights) {
  SmallVector<Value_> values;
  for (Handle weight : weights)
    values.push_back(impl->value(weight));
  auto op = impl->builder.create<horn::GradientOp>(impl->loc, impl->value(loss), values);
  std::vector<Handle> gradients;
  for (Value_ gradient : op.getGradients())
    gradients.push_back(gradient.getAsOpaquePointer());
  return gradients;
}

} // namespace hornfels::frontend

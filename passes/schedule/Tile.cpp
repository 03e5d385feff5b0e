#include "passes/schedule/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

Tile Tile::with(ArrayRef<OpFoldResult> places) const {
  Tile result = *this;
  result.offsets.append(places.begin(), places.end());
  result.sizes.append(places.size(), 1);
  result.kept.resize(kept.size() + places.size(), false);
  return result;
}

Value TileBuilder::value(OpFoldResult x) {
  if (auto known = dyn_cast<Value>(x))
    return known;
  return b.create<arith::ConstantIndexOp>(loc, *getConstantIntValue(x));
}

OpFoldResult TileBuilder::add(OpFoldResult x, OpFoldResult y) {
  auto left = getConstantIntValue(x), right = getConstantIntValue(y);
  if (left && right)
    return constant(*left + *right);
  if (left == 0)
    return y;
  if (right == 0)
    return x;
  return b.createOrFold<arith::AddIOp>(loc, value(x), value(y));
}

OpFoldResult TileBuilder::sub(OpFoldResult x, OpFoldResult y) {
  auto left = getConstantIntValue(x), right = getConstantIntValue(y);
  if (x == y)
    return constant(0);
  if (left && right)
    return constant(*left - *right);
  if (right == 0)
    return x;
  return b.createOrFold<arith::SubIOp>(loc, value(x), value(y));
}

OpFoldResult TileBuilder::mul(OpFoldResult x, int64_t factor) {
  if (auto known = getConstantIntValue(x))
    return constant(*known * factor);
  if (factor == 1)
    return x;
  return b.createOrFold<arith::MulIOp>(loc, value(x), value(constant(factor)));
}

OpFoldResult TileBuilder::roundDown(OpFoldResult x, int64_t step) {
  if (auto known = getConstantIntValue(x))
    return constant(*known / step * step);
  if (step == 1)
    return x;
  Value remainder = b.create<arith::RemUIOp>(loc, value(x), value(constant(step)));
  return b.createOrFold<arith::SubIOp>(loc, value(x), remainder);
}

void TileBuilder::loop(StringRef name, OpFoldResult lower, OpFoldResult upper, int64_t step,
                       llvm::function_ref<void(OpFoldResult)> body) {
  auto first = getConstantIntValue(lower), last = getConstantIntValue(upper);
  if (first && last) {
    if (*first >= *last)
      return;
    if (*first + step >= *last)
      return body(lower);
  }
  auto loop = b.create<scf::ForOp>(loc, value(lower), value(upper), value(constant(step)));
  loop->setAttr("horn.name", b.getStringAttr(name));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void TileBuilder::when(OpFoldResult x, OpFoldResult y, llvm::function_ref<void()> body) {
  auto left = getConstantIntValue(x), right = getConstantIntValue(y);
  if (left && right) {
    if (*left < *right)
      body();
    return;
  }
  Value condition = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, value(x), value(y));
  auto branch = b.create<scf::IfOp>(loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  body();
}

Value TileBuilder::stack(StringRef name, ArrayRef<int64_t> shape, Type element) {
  auto buffer = b.create<memref::AllocaOp>(loc, MemRefType::get(shape, element));
  buffer->setAttr("horn.name", b.getStringAttr(name));
  return buffer;
}

OpFoldResult TileBuilder::evaluate(AffineExpr expr, ArrayRef<OpFoldResult> dims) {
  if (auto known = dyn_cast<AffineConstantExpr>(expr))
    return constant(known.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  if (expr.getKind() == AffineExprKind::Mod) // the first elements of an axis
    return evaluate(binary.getLHS(), dims);
  if (expr.getKind() == AffineExprKind::Mul)
    return mul(evaluate(binary.getLHS(), dims), cast<AffineConstantExpr>(binary.getRHS()).getValue());
  return add(evaluate(binary.getLHS(), dims), evaluate(binary.getRHS(), dims));
}

/// The dimension of the tile that runs along an axis, and its factor in the axis's expression; the others stand still.
static std::pair<std::optional<unsigned>, int64_t> runningDimension(AffineExpr expr, const Tile &tile) {
  std::optional<unsigned> running;
  for (unsigned dim = 0; dim < tile.sizes.size(); ++dim)
    if (tile.kept[dim] && expr.isFunctionOfDim(dim) && (!running || tile.sizes[dim] > tile.sizes[*running]))
      running = dim;
  return {running, running ? coefficientOf(expr, *running) : 1};
}

std::pair<Value, AffineMap> TileBuilder::view(const Buffer &buffer, AffineMap map, const Tile &tile) {
  SmallVector<unsigned> local(tile.sizes.size(), 0);
  unsigned rank = 0;
  for (unsigned dim = 0; dim < tile.sizes.size(); ++dim)
    if (tile.kept[dim])
      local[dim] = rank++;
  auto type = cast<MemRefType>(buffer.memref.getType());
  SmallVector<OpFoldResult> offsets, sizes, strides;
  SmallVector<AffineExpr> exprs;
  bool whole = true;
  for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
    auto [dim, factor] = runningDimension(expr, tile);
    bool relative = buffer.relative.size() > axis && buffer.relative[axis];
    OpFoldResult origin = axis < buffer.origin.size() ? buffer.origin[axis] : OpFoldResult(constant(0));
    offsets.push_back(relative ? origin : sub(evaluate(expr, tile.offsets), origin));
    int64_t size = dim ? tile.sizes[*dim] : 1;
    sizes.push_back(constant(size));
    strides.push_back(constant(relative ? 1 : factor));
    exprs.push_back(dim ? b.getAffineDimExpr(local[*dim]) : b.getAffineConstantExpr(0));
    whole &= getConstantIntValue(offsets.back()) == 0 && size == type.getDimSize(axis);
  }
  AffineMap inTile = AffineMap::get(rank, 0, exprs, b.getContext());
  if (whole)
    return {buffer.memref, inTile};
  return {b.create<memref::SubViewOp>(loc, buffer.memref, offsets, sizes, strides), inTile};
}

void TileBuilder::generic(ArrayRef<std::pair<Buffer, AffineMap>> inputs, ArrayRef<std::pair<Buffer, AffineMap>> outputs,
                          const Tile &tile, Body body) {
  SmallVector<Value> ins, outs;
  SmallVector<AffineMap> maps;
  auto append = [&](ArrayRef<std::pair<Buffer, AffineMap>> operands, SmallVector<Value> &values) {
    for (auto &[buffer, map] : operands) {
      auto [part, inTile] = view(buffer, map, tile);
      values.push_back(part);
      maps.push_back(inTile);
    }
  };
  append(inputs, ins);
  append(outputs, outs);
  SmallVector<utils::IteratorType> iterators(tile.kept.count(), utils::IteratorType::reduction);
  for (AffineMap map : ArrayRef(maps).drop_front(ins.size()))
    for (unsigned dim = 0; dim < iterators.size(); ++dim)
      if (map.isFunctionOfDim(dim))
        iterators[dim] = utils::IteratorType::parallel;
  b.create<linalg::GenericOp>(loc, TypeRange(), ins, outs, maps, iterators,
                              [&](OpBuilder &inner, Location bodyLoc, ValueRange elements) {
                                inner.create<linalg::YieldOp>(bodyLoc, body(inner, bodyLoc, elements));
                              });
}

SmallVector<Value> TileBuilder::cloneBody(OpBuilder &builder, linalg::GenericOp original, ValueRange elements,
                                          const Tile &tile, IRMapping &outer) {
  IRMapping map = outer;
  Block *body = original.getBody();
  map.map(body->getArguments(), elements);
  SmallVector<unsigned> local(tile.sizes.size(), 0);
  unsigned rank = 0;
  for (unsigned dim = 0; dim < tile.sizes.size(); ++dim)
    if (tile.kept[dim])
      local[dim] = rank++;
  for (Operation &op : body->without_terminator()) {
    auto index = dyn_cast<linalg::IndexOp>(op);
    if (!index) {
      // Constants that folding has moved out of the body come along.
      for (Value operand : op.getOperands())
        if (!map.contains(operand))
          builder.clone(*operand.getDefiningOp(), map);
      builder.clone(op, map);
      continue;
    }
    OpFoldResult place = tile.offsets[index.getDim()];
    if (tile.kept[index.getDim()]) {
      Value inTile = builder.create<linalg::IndexOp>(op.getLoc(), local[index.getDim()]);
      place = getConstantIntValue(place) == 0
                  ? OpFoldResult(inTile)
                  : OpFoldResult(builder.create<arith::AddIOp>(op.getLoc(), value(place), inTile).getResult());
    }
    auto known = getConstantIntValue(place);
    map.map(index.getResult(),
            known ? Value(builder.create<arith::ConstantIndexOp>(op.getLoc(), *known)) : cast<Value>(place));
  }
  SmallVector<Value> results;
  for (Value yielded : body->getTerminator()->getOperands()) {
    if (!map.contains(yielded))
      builder.clone(*yielded.getDefiningOp(), map);
    results.push_back(map.lookup(yielded));
  }
  return results;
}

void TileBuilder::prefetch(const Buffer &buffer, AffineMap map, const Tile &tile) {
  constexpr int64_t lineBytes = 64;
  auto [part, inTile] = view(buffer, map, tile);
  auto type = cast<MemRefType>(part.getType());
  int64_t step = lineBytes / elementBytes(type.getElementType());
  loop("r", constant(0), constant(type.getDimSize(0)), 1, [&, part = part](OpFoldResult row) {
    for (int64_t column = 0; column < type.getDimSize(1); column += step)
      b.create<memref::PrefetchOp>(loc, part, ValueRange{value(row), value(constant(column))}, /*isWrite=*/true,
                                   /*localityHint=*/3, /*isDataCache=*/true);
  });
}

void TileBuilder::fill(const Buffer &out, AffineMap map, const Tile &tile, Value value) {
  generic({}, {{out, map}}, tile, [&](OpBuilder &, Location, ValueRange) { return SmallVector<Value>{value}; });
}

void TileBuilder::copy(const Buffer &out, AffineMap outMap, const Buffer &in, AffineMap inMap, const Tile &tile) {
  generic({{in, inMap}}, {{out, outMap}}, tile,
          [](OpBuilder &, Location, ValueRange elements) { return SmallVector<Value>{elements[0]}; });
}

} // namespace hornfels

// Windows: shape rules, gradients and forms in linalg of what convolutions and pooling are made of.
#include "ir/Windows.h"

#include "ir/Builders.h"
#include "ir/Lowering.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace hornfels::horn {

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {
/// Which windows: one entry for each axis that has them.
struct Windows {
  ArrayRef<int64_t> axes, sizes, strides, dilations;

  template <typename Op> static Windows of(Op op) {
    return {op.getAxes(), op.getSizes(), op.getStrides(), op.getDilations()};
  }

  size_t count() const { return axes.size(); }
  /// Elements from the first to one past the last of a window.
  int64_t extent(size_t i) const { return (sizes[i] - 1) * dilations[i] + 1; }
  int64_t places(size_t i, int64_t size) const { return (size - extent(i)) / strides[i] + 1; }
  /// Windows touch each other, and no element is in two.
  bool tile() const {
    for (size_t i = 0; i < count(); ++i)
      if (strides[i] != extent(i) || dilations[i] != 1)
        return false;
    return true;
  }
  /// Calls `visit` for each place inside a window, in row-major order.
  void forEachPlace(llvm::function_ref<void(ArrayRef<int64_t>)> visit) const {
    SmallVector<int64_t> place(count(), 0);
    while (true) {
      visit(place);
      size_t i = count();
      while (i > 0 && ++place[i - 1] == sizes[i - 1])
        place[--i] = 0;
      if (i == 0)
        return;
    }
  }
};
} // namespace

/// (C1), (C2), (C3), and the shape of the places of the windows.
static LogicalResult inferPlaces(std::optional<Location> loc, StringRef op, RankedTensorType x, const Windows &windows,
                                 SmallVectorImpl<int64_t> &shape) {
  size_t count = windows.count();
  if (windows.sizes.size() != count || windows.strides.size() != count || windows.dilations.size() != count)
    return emitOptionalError(loc, "'", op, "' op needs a size, a stride and a dilation for each axis");            // C2
  shape.assign(x.getShape().begin(), x.getShape().end());
  for (size_t i = 0; i < count; ++i) {
    int64_t axis = windows.axes[i];
    if (axis < 0 || axis >= x.getRank() || x.isDynamicDim(axis) || (i > 0 && windows.axes[i - 1] >= axis))
      return emitOptionalError(loc, "'", op, "' op has axes that are not ascending fixed axes of ", x);            // C1
    if (windows.sizes[i] < 1 || windows.strides[i] < 1 || windows.dilations[i] < 1)
      return emitOptionalError(loc, "'", op, "' op has a size, stride or dilation below 1");                        // C2
    if (windows.extent(i) > x.getDimSize(axis))
      return emitOptionalError(loc, "'", op, "' op has windows of ", windows.extent(i), " elements along axis ", axis,
                               " of ", x);                                                                          // C3
    shape[axis] = windows.places(i, x.getDimSize(axis));
  }
  return success();
}

#define INFER_WINDOWS(Op, EXTRA, ELEMENT)                                                                              \
  LogicalResult Op::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, ValueRange operands,           \
                                     DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,      \
                                     SmallVectorImpl<Type> &types) {                                                   \
    (void)context;                                                                                                     \
    Adaptor adaptor(operands, attributes, properties, regions);                                                        \
    SmallVector<int64_t> shape;                                                                                        \
    if (failed(inferPlaces(loc, getOperationName(), tensorType(operands[0]), Windows::of(adaptor), shape)))            \
      return failure();                                                                                                \
    if (EXTRA)                                                                                                         \
      llvm::append_range(shape, adaptor.getSizes());                                                                   \
    types.push_back(RankedTensorType::get(shape, ELEMENT));                                                            \
    return success();                                                                                                  \
  }
INFER_WINDOWS(WindowsOp, true, tensorType(operands[0]).getElementType())
INFER_WINDOWS(WindowMaxOp, false, tensorType(operands[0]).getElementType())
INFER_WINDOWS(WindowSumOp, false, tensorType(operands[0]).getElementType())
INFER_WINDOWS(WindowArgmaxOp, false, IntegerType::get(context, 32))
#undef INFER_WINDOWS

AffineMap WindowsOp::getSourceMap() {
  Windows windows = Windows::of(*this);
  int64_t rank = tensorType(getX()).getRank();
  SmallVector<AffineExpr> exprs;
  for (int64_t axis = 0; axis < rank; ++axis)
    exprs.push_back(getAffineDimExpr(axis, getContext()));
  for (size_t i = 0; i < windows.count(); ++i) {
    AffineExpr &place = exprs[windows.axes[i]];
    place = place * windows.strides[i] + getAffineDimExpr(rank + i, getContext()) * windows.dilations[i];
  }
  return AffineMap::get(getY().getType().getRank(), 0, exprs, getContext());
}

void WindowsOp::buildGradient(GradientBuilder &g, Value dy, SmallVectorImpl<Value> &dx) {
  dx.push_back(g.builder.create<FoldOp>(g.loc, getX().getType(), dy, getAxes(), getSizes(), getStrides(), getDilations()));
}

LogicalResult FoldOp::verify() {
  SmallVector<int64_t> shape;
  if (failed(inferPlaces(getLoc(), getOperationName(), getY().getType(), Windows::of(*this), shape)))
    return failure();
  llvm::append_range(shape, getSizes());
  if (ArrayRef(shape) != tensorType(getX()).getShape())
    return emitOpError("folds ") << getX().getType() << " into " << getY().getType();
  return success();
}

void FoldOp::buildGradient(GradientBuilder &g, Value dy, SmallVectorImpl<Value> &dx) {
  dx.push_back(g.builder.create<WindowsOp>(g.loc, dy, getAxes(), getSizes(), getStrides(), getDilations()));
}

static Value firstElement(ScalarBuilder &, ValueRange elements, ValueRange) { return elements[0]; }

/// Where windows tile their axes: each place p and each k of it are one element, p * size + k, of an axis. With the axes
/// of the places inside next to those of the windows the same bytes have the folded shape.
static Value foldTiles(Lowering &lowering, FoldOp op, const Windows &windows) {
  OpBuilder &b = lowering.builder;
  RankedTensorType from = tensorType(op.getX()), to = op.getY().getType();
  SmallVector<int64_t> ordered, shape;
  SmallVector<AffineExpr> source(from.getRank());
  for (int64_t axis = 0; axis < to.getRank(); ++axis) {
    source[axis] = b.getAffineDimExpr(ordered.size());
    ordered.push_back(from.getDimSize(axis));
    shape.push_back(from.getDimSize(axis));
    const auto *found = llvm::find(windows.axes, axis);
    if (found == windows.axes.end())
      continue;
    size_t i = found - windows.axes.begin();
    source[to.getRank() + i] = b.getAffineDimExpr(ordered.size());
    ordered.push_back(windows.sizes[i]);
    shape.back() *= windows.sizes[i];
  }
  AffineMap map = AffineMap::get(ordered.size(), 0, source, b.getContext());
  Value together = lowering.generic(op.getLoc(), RankedTensorType::get(ordered, to.getElementType()), ordered,
                                    lowering.identity(ordered.size()), {{op.getX(), map}}, Combine::none, firstElement);
  auto covered = RankedTensorType::get(shape, to.getElementType());
  Value folded = b.create<ReshapeOp>(op.getLoc(), covered, together);
  if (covered == to)
    return folded;
  // What no window covers is zero.
  SmallVector<int64_t> zeros(to.getRank(), 0), ones(to.getRank(), 1);
  return lowering.embed(op.getLoc(), to, folded, zeros, ones, 0.0);
}

ContractOp convolutionBehind(FoldOp fold) {
  auto contract = fold.getX().getDefiningOp<ContractOp>();
  if (!contract || !contract->hasOneUse())
    return {};
  AffineMap lhs = contract.getMap(0), rhs = contract.getMap(1), out = contract.getMap(2);
  unsigned rank = fold.getY().getType().getRank();
  auto dimOf = [&](unsigned axis) { return cast<AffineDimExpr>(out.getResult(axis)).getPosition(); };
  for (auto [i, axis] : llvm::enumerate(fold.getAxes())) {
    unsigned inside = dimOf(rank + i), place = dimOf(axis);
    if (lhs.isFunctionOfDim(inside) || !rhs.isFunctionOfDim(inside) || !lhs.isFunctionOfDim(place) ||
        rhs.isFunctionOfDim(place))
      return {};
  }
  return contract;
}

bool addsInPlace(FoldOp fold) {
  ContractOp contract = convolutionBehind(fold);
  if (!contract)
    return false;
  auto hasOne = [](Value value) { return llvm::is_contained(tensorType(value).getShape(), 1); };
  AffineMap rhs = contract.getMap(1), out = contract.getMap(2);
  unsigned last = cast<AffineDimExpr>(out.getResult(fold.getY().getType().getRank() - 1)).getPosition();
  return fold.getY().getType().isDynamicDim(0) && tensorType(contract.getB()).hasStaticShape() &&
         rhs.isFunctionOfDim(last) && !llvm::is_contained(fold.getAxes(), fold.getY().getType().getRank() - 1) &&
         !hasOne(contract.getA()) && !hasOne(contract.getB()) && !hasOne(contract.getY());
}

/// The loop nest of addsInPlace: what its result has comes first, then the places inside, then what is summed.
static Value lowerAdding(Lowering &lowering, FoldOp fold) {
  ContractOp contract = convolutionBehind(fold);
  OpBuilder &b = lowering.builder;
  RankedTensorType type = fold.getY().getType();
  unsigned dims = contract.getMap(0).getNumDims(), rank = type.getRank(), next = 0;
  SmallVector<AffineExpr> order(dims);
  for (AffineExpr expr : contract.getMap(2).getResults())
    order[cast<AffineDimExpr>(expr).getPosition()] = b.getAffineDimExpr(next++);
  for (AffineExpr expr : contract.getMap(1).getResults())
    if (AffineExpr &mine = order[cast<AffineDimExpr>(expr).getPosition()]; !mine)
      mine = b.getAffineDimExpr(next++);
  for (AffineExpr &mine : order)
    if (!mine)
      mine = b.getAffineDimExpr(next++);
  auto ordered = [&](unsigned i) { return contract.getMap(i).replaceDimsAndSymbols(order, {}, dims, 0); };

  SmallVector<AffineExpr> out;
  for (unsigned axis = 0; axis < rank; ++axis)
    out.push_back(b.getAffineDimExpr(axis));
  for (auto [i, axis] : llvm::enumerate(fold.getAxes()))
    out[axis] = out[axis] * fold.getStrides()[i] + b.getAffineDimExpr(rank + i) * fold.getDilations()[i];
  // The last axis of the result runs in lanes.
  Lowering::Read kernel = lowering.withLastDimension(fold.getLoc(), {contract.getB(), ordered(1)}, rank - 1);
  SmallVector<utils::IteratorType> iterators(dims, utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), rank, utils::IteratorType::parallel);

  Location loc = fold.getLoc();
  Value operands[] = {lowering.materialize(contract.getA()), lowering.materialize(kernel.value)};
  Value zero = ScalarBuilder(b, loc).constant(0.0, type.getElementType());
  Value start = b.create<linalg::FillOp>(loc, zero, lowering.empty(loc, type)).getResult(0);
  AffineMap maps[] = {ordered(0), kernel.map, AffineMap::get(dims, 0, out, b.getContext())};
  auto sum = b.create<linalg::GenericOp>(loc, TypeRange{type}, operands, ValueRange{start}, maps, iterators,
                                         [](OpBuilder &inner, Location bodyLoc, ValueRange e) {
                                           ScalarBuilder s(inner, bodyLoc);
                                           inner.create<linalg::YieldOp>(bodyLoc, s.add(e[2], s.mul(e[0], e[1])));
                                         });
  return sum.getResult(0);
}

/// y = 0; for each place k inside a window: y[p * stride + k * dilation] += x[p, k]
FailureOr<Value> FoldOp::lower(Lowering &lowering) {
  if (addsInPlace(*this))
    return lowerAdding(lowering, *this);
  Windows windows = Windows::of(*this);
  if (windows.tile())
    return foldTiles(lowering, *this, windows);
  RankedTensorType from = tensorType(getX()), to = getY().getType();
  int64_t rank = to.getRank();
  auto places = RankedTensorType::get(from.getShape().take_front(rank), to.getElementType());
  SmallVector<int64_t> strides(rank, 1);
  for (size_t i = 0; i < windows.count(); ++i)
    strides[windows.axes[i]] = windows.strides[i];
  Value sum = lowering.filled(getLoc(), to, 0.0);
  windows.forEachPlace([&](ArrayRef<int64_t> place) {
    SmallVector<AffineExpr> source;
    for (int64_t axis = 0; axis < rank; ++axis)
      source.push_back(lowering.builder.getAffineDimExpr(axis));
    SmallVector<int64_t> offsets(rank, 0);
    for (size_t i = 0; i < windows.count(); ++i) {
      source.push_back(lowering.builder.getAffineConstantExpr(place[i]));
      offsets[windows.axes[i]] = place[i] * windows.dilations[i];
    }
    Value part = lowering.generic(getLoc(), places, places.getShape(), lowering.identity(rank),
                                  {{getX(), AffineMap::get(rank, 0, source, getContext())}}, Combine::none, firstElement);
    sum = lowering.builder.create<InsertOp>(getLoc(), part, sum, offsets, strides, /*adds=*/true);
  });
  return sum;
}

/// Reads of all places inside the windows, at the places of the windows.
static SmallVector<Lowering::Read> readsOfWindow(Lowering &lowering, Value x, const Windows &windows) {
  SmallVector<Lowering::Read> reads;
  int64_t rank = tensorType(x).getRank();
  windows.forEachPlace([&](ArrayRef<int64_t> place) {
    SmallVector<AffineExpr> exprs;
    for (int64_t axis = 0; axis < rank; ++axis)
      exprs.push_back(lowering.builder.getAffineDimExpr(axis));
    for (size_t i = 0; i < windows.count(); ++i)
      exprs[windows.axes[i]] = exprs[windows.axes[i]] * windows.strides[i] + place[i] * windows.dilations[i];
    reads.push_back({x, AffineMap::get(rank, 0, exprs, lowering.builder.getContext())});
  });
  return reads;
}

/// One element-wise reading of all places: a window has too few for a loop of its own.
template <typename Op, typename Combine2> static Value lowerWindow(Op op, Lowering &lowering, Combine2 combine) {
  RankedTensorType to = op.getY().getType();
  return lowering.generic(op.getLoc(), to, to.getShape(), lowering.identity(to.getRank()),
                          readsOfWindow(lowering, op.getX(), Windows::of(op)), Combine::none,
                          [&](ScalarBuilder &s, ValueRange elements, ValueRange) {
                            Value result = elements.front();
                            for (Value element : elements.drop_front())
                              result = combine(s, result, element);
                            return result;
                          });
}

FailureOr<Value> WindowMaxOp::lower(Lowering &lowering) {
  return lowerWindow(*this, lowering, [](ScalarBuilder &s, Value a, Value b) { return s.max(a, b); });
}

FailureOr<Value> WindowSumOp::lower(Lowering &lowering) {
  return lowerWindow(*this, lowering, [](ScalarBuilder &s, Value a, Value b) { return s.add(a, b); });
}

/// A NaN is the largest, as it is for the maximum; the first of several.
FailureOr<Value> WindowArgmaxOp::lower(Lowering &lowering) {
  auto to = cast<RankedTensorType>(getY().getType());
  return lowering.generic(
      getLoc(), to, to.getShape(), lowering.identity(to.getRank()), readsOfWindow(lowering, getX(), Windows::of(*this)),
      Combine::none, [&](ScalarBuilder &s, ValueRange elements, ValueRange) {
        Value largest = elements.front(), place = s.constant(0, to.getElementType());
        for (auto [k, element] : llvm::enumerate(elements.drop_front())) {
          // not (element <= largest): larger, or one of them is NaN; a NaN that is found stays
          Value larger = s.logicalNot(s.compare(ComparePredicate::le, element, largest));
          Value isNumber = s.compare(ComparePredicate::eq, largest, largest);
          Value moves = s.logicalAnd(larger, isNumber);
          place = s.select(moves, s.constant(static_cast<double>(k + 1), to.getElementType()), place);
          if (k + 2 < elements.size())
            largest = s.select(moves, element, largest);
        }
        return place;
      });
}

namespace {
/// A tensor with an element for every place of a window and every place inside it, before it is folded. Where windows tile
/// their axes, the places inside lie next to those of the windows: then folding is only a change of type.
struct Unfolded {
  Unfolded(RankedTensorType places, const Windows &windows) : windows(windows) {
    for (int64_t axis = 0; axis < places.getRank(); ++axis) {
      dims.push_back(shape.size());
      shape.push_back(places.getDimSize(axis));
      const auto *found = llvm::find(windows.axes, axis);
      if (windows.tile() && found != windows.axes.end()) {
        inside.push_back(shape.size());
        shape.push_back(windows.sizes[found - windows.axes.begin()]);
      }
    }
    for (size_t i = 0; i < windows.count() && !windows.tile(); ++i) {
      inside.push_back(shape.size());
      shape.push_back(windows.sizes[i]);
    }
  }

  /// x, which has an element for each window, repeated inside of it.
  Value repeat(GradientBuilder &g, Value x) const {
    return g.builder.create<BroadcastOp>(g.loc, tensorType(x).clone(shape), x, dims);
  }
  /// The place inside, counted in row-major order; i32.
  Value place(GradientBuilder &g) const {
    auto type = RankedTensorType::get(shape, g.builder.getI32Type());
    Value place = g.builder.create<FullOp>(g.loc, type, 0.0);
    for (size_t i = 0; i < windows.count(); ++i) {
      Value along = g.builder.create<IotaOp>(g.loc, type, static_cast<uint64_t>(inside[i]));
      place = i == 0 ? along : g.add(g.mul(place, static_cast<double>(windows.sizes[i])), along);
    }
    return place;
  }
  Value fold(GradientBuilder &g, Value x, RankedTensorType to) const {
    OpBuilder &b = g.builder;
    if (!windows.tile())
      return b.create<FoldOp>(g.loc, to, x, windows.axes, windows.sizes, windows.strides, windows.dilations);
    SmallVector<int64_t> covered;
    for (auto [axis, dim] : llvm::enumerate(dims)) {
      int64_t end = axis + 1 < dims.size() ? dims[axis + 1] : shape.size();
      covered.push_back(shape[dim] * (end - dim > 1 ? shape[dim + 1] : 1));
    }
    Value together = b.create<ReshapeOp>(g.loc, to.clone(covered), x);
    SmallVector<int64_t> zeros(covered.size(), 0), ones(covered.size(), 1);
    return together.getType() == to ? together : b.create<EmbedOp>(g.loc, to, together, zeros, ones);
  }

  Windows windows;
  SmallVector<int64_t> shape, dims, inside;
};
} // namespace

/// dx = fold(dy where the place inside the window is the largest's, else 0)
void WindowMaxOp::buildGradient(GradientBuilder &g, Value dy, SmallVectorImpl<Value> &dx) {
  Unfolded unfolded(getY().getType(), Windows::of(*this));
  Value largest =
      g.builder.create<WindowArgmaxOp>(g.loc, getX(), getAxes(), getSizes(), getStrides(), getDilations());
  Value isLargest = g.builder.create<CompareOp>(g.loc, ComparePredicate::eq, unfolded.place(g), unfolded.repeat(g, largest));
  dx.push_back(unfolded.fold(g, g.select(isLargest, unfolded.repeat(g, dy), 0.0), getX().getType()));
}

/// dx = fold(dy at every place of its window)
void WindowSumOp::buildGradient(GradientBuilder &g, Value dy, SmallVectorImpl<Value> &dx) {
  Unfolded unfolded(getY().getType(), Windows::of(*this));
  dx.push_back(unfolded.fold(g, unfolded.repeat(g, dy), getX().getType()));
}

void WindowArgmaxOp::buildGradient(GradientBuilder &, Value, SmallVectorImpl<Value> &dx) { dx.push_back(Value()); }

} // namespace hornfels::horn

// Where the buffers of a kernel lie: on the stack, in registers, in panels.
#include "codegen/cpp/KernelPrinter.h"

#include "ir/Structure.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

SmallVector<int64_t> KernelPrinter::stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t axis = static_cast<int64_t>(shape.size()) - 2; axis >= 0; --axis)
    strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
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
  // Whole vectors are for the end of a row: a part in its midst, which begins or ends elsewhere, has neighbours.
  if (place.padded) {
    MemRefType whole = subview.getSourceType();
    unsigned axis = vectorAxis(whole);
    Linear first = indexOf(subview.getMixedOffsets()[axis]);
    place.padded = first.isConstant() && first.constant % vectorLanes == 0 &&
                   first.constant + *getConstantIntValue(subview.getMixedSizes()[axis]) == whole.getDimSize(axis);
  }
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

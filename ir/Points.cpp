#include "ir/Points.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

bool continuesArgument(const Unit &unit) {
  auto insert = dyn_cast<InsertOp>(unit.op);
  return insert && isa<BlockArgument>(insert.getDestination());
}

Points::Points(const Unit &unit) {
  ofResult = unit.adds() || (isa<InsertOp>(unit.op) && !continuesArgument(unit));
  if (ofResult) {
    auto type = cast<RankedTensorType>(unit.writes.front().value.getType());
    for (auto [axis, size] : llvm::enumerate(type.getShape()))
      if (size != 1) {
        sizes.push_back(size);
        dims.push_back(axis);
      }
    return;
  }
  if (unit.part)
    dims.push_back(*unit.part);
  llvm::append_range(dims, unit.parallel);
  for (unsigned dim : dims)
    sizes.push_back(unit.sizes[dim]);
}

std::optional<SmallVector<int64_t>> Points::placeOf(AffineMap map) const {
  SmallVector<int64_t> place;
  for (AffineExpr expr : map.getResults()) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr); constant && constant.getValue() == 0) {
      place.push_back(-1);
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    auto axis = dim && !ofResult ? llvm::find(dims, dim.getPosition()) : dims.end();
    if (axis == dims.end())
      return std::nullopt;
    place.push_back(axis - dims.begin());
  }
  return place;
}

std::optional<SmallVector<int64_t>> Points::placeOfResult(const Unit &unit, unsigned number) const {
  if (!ofResult)
    return placeOf(unit.writes[number].map);
  SmallVector<int64_t> place;
  for (int64_t size : cast<RankedTensorType>(unit.writes[number].value.getType()).getShape())
    place.push_back(size == 1 ? -1 : static_cast<int64_t>(llvm::count_if(place, [](int64_t axis) { return axis >= 0; })));
  return place;
}

int64_t countOf(ArrayRef<int64_t> sizes, int64_t batch) {
  int64_t count = 1;
  for (int64_t size : sizes)
    count *= size == kBatch ? batch : size;
  return count;
}

} // namespace hornfels

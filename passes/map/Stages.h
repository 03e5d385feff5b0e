// The stages of a kernel on a device.
#ifndef HORNFELS_PASSES_MAP_STAGES_H
#define HORNFELS_PASSES_MAP_STAGES_H

#include "ir/Points.h"

namespace hornfels {

/// Units whose points are the same: what one of them makes, the next has in a register of the same thread.
struct Stage {
  llvm::SmallVector<const Unit *> units;
  llvm::SmallVector<int64_t> sizes; ///< of the points
};

/// A unit without sums that is the same at all its points, and that only the kernel itself reads: every thread computes it.
bool isUniform(const Unit &unit);

/// The stages in order; units that are uniform are in none.
llvm::SmallVector<Stage> stagesOf(llvm::ArrayRef<Unit> units);

} // namespace hornfels

#endif

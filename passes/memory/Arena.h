// The plan of one arena: offsets of the form a + b * capacity.
#ifndef HORNFELS_PASSES_MEMORY_ARENA_H
#define HORNFELS_PASSES_MEMORY_ARENA_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/SmallVector.h"

namespace hornfels {

/// Values of a size known when compiling lie in the first part; those with a row for each sample in the second, where
/// offsets are multiples of the capacity. In each part, values whose lives do not overlap may share bytes. The
/// functions of a module use the arena one after another.
class Arena {
public:
  /// From the launch that makes a value to the last one that reads it.
  struct Life {
    int64_t first = 0, last = 0;
  };
  /// In bytes; `fixed` of a value in the second part counts from the end of the first.
  struct Place {
    int64_t fixed = 0, perSample = 0;
  };

  Place place(mlir::MemRefType type, Life life);
  /// Bytes behind each row of samples: a line where rows would lie a multiple of a page apart and fall into one set of the
  /// first cache. They are there to be used (../pack); whoever does not, has them at the end.
  static int64_t gapOf(mlir::MemRefType type);
  /// The values placed so far are dead.
  void endFunction();

  int64_t fixedBytes() const { return fixed.top; }
  int64_t bytesPerSample() const { return batched.top; }

private:
  struct Block {
    int64_t offset, size;
    Life life;
  };
  struct Part {
    int64_t top = 0;
    llvm::SmallVector<Block> blocks;
    int64_t place(int64_t size, Life life);
  };
  Part fixed, batched;
};

} // namespace hornfels

#endif

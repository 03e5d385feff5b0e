#include "passes/memory/Arena.h"

#include "ir/Structure.h"
#include "llvm/ADT/STLExtras.h"

namespace hornfels {

/// The lowest offset at which no block of an overlapping life lies.
int64_t Arena::Part::place(int64_t size, Life life) {
  llvm::SmallVector<Block> living;
  for (const Block &block : blocks)
    if (block.life.first <= life.last && life.first <= block.life.last)
      living.push_back(block);
  llvm::sort(living, [](const Block &x, const Block &y) { return x.offset < y.offset; });
  int64_t offset = 0;
  for (const Block &block : living) {
    if (offset + size <= block.offset)
      break;
    offset = std::max(offset, block.offset + block.size);
  }
  blocks.push_back({offset, size, life});
  top = std::max(top, offset + size);
  return offset;
}

int64_t Arena::gapOf(mlir::MemRefType type) {
  constexpr int64_t page = 4096, line = 64;
  if (type.getRank() != 2 || !type.isDynamicDim(0))
    return 0;
  return type.getDimSize(1) * horn::elementBytes(type.getElementType()) % page == 0 ? line : 0;
}

Arena::Place Arena::place(mlir::MemRefType type, Life life) {
  int64_t bytes = horn::elementsPerSample(type) * horn::elementBytes(type.getElementType());
  if (type.getRank() > 0 && type.isDynamicDim(0))
    return {-1, batched.place(bytes + gapOf(type), life)};
  constexpr int64_t line = 64; // a cache line, and the widest vector
  return {fixed.place((bytes + line - 1) / line * line, life), 0};
}

void Arena::endFunction() {
  fixed.blocks.clear();
  batched.blocks.clear();
}

} // namespace hornfels

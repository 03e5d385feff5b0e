// Decides how each kernel runs on a device. What is decided stands on the kernel and its operations; codegen/cuda prints it.
//
//   horn.form      of a kernel
//     points       one stage: threads go through its points, in as many blocks as there are
//     product      one stage that begins with a product of matrices: a block makes a tile of it (horn.tile)
//     ids          begins with rows of ids: what the runtime's function for them gives goes through the rest
//     rows         several stages: a block goes through all of them with a few rows (horn.rows_of_block)
//     whole        several stages without common rows: one block does all
//   horn.arithmetic  of a product on the tensor units: tf32, bf16
//   horn.threads   of a block
//   horn.resident  blocks that a multiprocessor is to hold at once: it bounds the registers of a thread
//   horn.stage     number of the stage of an operation; absent: every thread computes it
//   horn.across    threads that share a point's sums, a power of two; absent: one
//   horn.vector    points that a thread takes at once, of a kernel without sums: what lies together is read and written together
//   horn.single_block  of a step: up to this many samples one block does all of it, kernel after kernel, in one launch
//   horn.together  these threads lie next to each other, so that they read neighbouring elements; else points do
#include "ir/Chunks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Passes.h"
#include "passes/map/Stages.h"
#include "passes/schedule/Chunks.h"
#include "passes/schedule/Work.h"
#include "runtime/device/tile_choice.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {
#define GEN_PASS_DEF_MAP
#include "passes/Passes.h.inc"

namespace {

constexpr int64_t kMultiprocessors = 132;
constexpr int64_t kMostShared = 64 * 1024; ///< bytes of a block, of the smallest architecture

using device::tile_configuration;

class KernelMapper {
public:
  /// `inSmallNet`: its kernels also follow each other in one block, so all have the same number of threads.
  KernelMapper(func::FuncOp kernel, int64_t batch, bool inSmallNet, StringRef math)
      : kernel(kernel), b(kernel.getContext()), batch(batch), inSmallNet(inSmallNet), math(math), threadsWanted(inSmallNet ? 512 : 256) {}

  LogicalResult run() {
    for (Operation &op : kernel.getBody().front())
      if (isComputation(&op))
        units.emplace_back(&op);
    stages = stagesOf(units);
    for (auto [number, stage] : llvm::enumerate(stages))
      for (const Unit *unit : stage.units)
        unit->op->setAttr("horn.stage", b.getI64IntegerAttr(static_cast<int64_t>(number)));
    kernel->setAttr("horn.threads", b.getI64IntegerAttr(threadsWanted));
    if (failed(choose()))
      return failure();
    // 85 registers a thread are enough for all but products; without a bound ptxas spills some of them.
    bool isProduct = kernel->hasAttr("horn.tile");
    kernel->setAttr("horn.resident", b.getI64IntegerAttr(isProduct ? 1 : 768 / threadsOfBlock()));
    return success();
  }

private:
  LogicalResult choose() {
    bool ofIds = llvm::any_of(units, [](const Unit &unit) {
      return isa<GatherSumOp, ScatterAddOp, ScatterOp, MultiHotOp, CountOp, OrthonormalOp>(unit.op);
    });
    if (ofIds) {
      if (stages.size() > 1)
        return units.front().op->emitOpError("shares a kernel for a device with other points");
      form("ids");
      if (isa<GatherSumOp>(units.front().op) && !inSmallNet) // a warp has a sample: small blocks go round
        kernel->setAttr("horn.threads", b.getI64IntegerAttr(threadsWanted / 2));
      return success();
    }
    bool inLoop = kernel->hasAttr("horn.in_loop");
    std::optional<int64_t> rows = commonRows(units);
    bool byRow = rows == kBatch && llvm::all_of(units, [](const Unit &unit) {
      return !unit.part && !reducesBatch(unit.op) && (isUniform(unit) || !unit.parallel.empty());
    });
    if (stages.size() == 1 && !(inLoop && byRow)) {
      if (!inSmallNet && mapProduct(*stages.front().units.front()))
        return success();
      form("points");
      shareSums(stages.front(), countOf(stages.front().sizes, batch), kMultiprocessors * 512);
      takeSeveral(stages.front());
      return success();
    }
    bool keepsRows = rows && llvm::none_of(units, [](const Unit &unit) { return unit.part; });
    if (!keepsRows || !hasRowsInFront(*rows)) {
      form("whole");
      for (const Stage &stage : stages)
        shareSums(stage, countOf(stage.sizes, batch), threadsWanted);
      return success();
    }
    form("rows");
    mapRows(*rows == kBatch ? batch : *rows, inLoop && byRow);
    return success();
  }

  /// A block takes as many rows as leave no multiprocessor without one, and no more threads than have a point.
  void mapRows(int64_t count, bool inLoop) {
    int64_t widest = 1;
    for (const Stage &stage : stages)
      widest = std::max(widest, countOf(ArrayRef(stage.sizes).drop_front(), batch));
    int64_t even = std::clamp<int64_t>((count + kMultiprocessors - 1) / kMultiprocessors, 1, 16);
    constexpr int64_t scratch = 512 * 8; // of sums that threads share
    int64_t bytes = bytesBetweenStages(), fit = bytes ? std::max<int64_t>((kMostShared - scratch) / bytes, 1) : even;
    even = std::min(even, fit);
    int64_t ofBlock = inLoop ? even : std::min(std::clamp<int64_t>(threadsWanted / widest, 1, 16), even);
    int64_t threads = 32;
    while (threads < threadsWanted && threads < ofBlock * widest)
      threads *= 2;
    if (inLoop || inSmallNet) // in a loop a block of rows goes through all kernels, for each place of it
      threads = threadsWanted;
    if (inLoop)
      kernel->setAttr("horn.by_row", b.getUnitAttr());
    kernel->setAttr("horn.rows_of_block", b.getI64IntegerAttr(ofBlock));
    kernel->setAttr("horn.threads", b.getI64IntegerAttr(threads));
    for (const Stage &stage : stages)
      shareSums(stage, ofBlock * countOf(ArrayRef(stage.sizes).drop_front(), batch), threads);
  }

  /// What a row leaves in the block's memory for the next stages.
  int64_t bytesBetweenStages() {
    int64_t bytes = 0;
    Operation *terminator = kernel.getBody().front().getTerminator();
    for (auto [number, stage] : llvm::enumerate(stages))
      for (const Unit *unit : stage.units)
        for (Value result : unit->op->getResults()) {
          bool leaves = llvm::any_of(result.getUsers(), [&](Operation *user) {
            return user != terminator && llvm::none_of(stage.units, [&](const Unit *own) { return own->op == user; });
          });
          auto type = cast<RankedTensorType>(result.getType());
          if (leaves && !llvm::is_contained(terminator->getOperands(), result))
            bytes += (countOf(type.getShape().drop_front(), 1) * elementBytes(type.getElementType()) + 15) / 16 * 16;
        }
    return bytes;
  }

  /// All points have these rows as their first axis, and what one stage makes another reads in its own row.
  bool hasRowsInFront(int64_t rows) {
    llvm::DenseSet<Value> made;
    for (const Stage &stage : stages) {
      if (stage.sizes.empty() || stage.sizes.front() != rows)
        return false;
      for (const Unit *unit : stage.units)
        for (const Access &write : unit->writes)
          made.insert(write.value);
    }
    for (const Unit &unit : units) {
      if (isUniform(unit))
        continue;
      Points points(unit);
      auto inOwnRow = [&](AffineMap map) {
        return map.getNumResults() && !points.ofResult && map.getResult(0) == b.getAffineDimExpr(points.dims.front());
      };
      auto inFirstAxis = [&](AffineMap map) {
        return map.getNumResults() && map.getResult(0) == b.getAffineDimExpr(unit.parallel.front());
      };
      for (const Access &read : unit.reads)
        if (made.contains(read.value) && !(points.ofResult ? inFirstAxis(read.map) : inOwnRow(read.map)))
          return false;
      for (const Access &write : unit.writes)
        if (!(points.ofResult ? inFirstAxis(write.map) : inOwnRow(write.map)))
          return false;
    }
    return true;
  }

  int64_t threadsOfBlock() { return kernel->getAttrOfType<IntegerAttr>("horn.threads").getInt(); }
  void form(StringRef name) { kernel->setAttr("horn.form", b.getStringAttr(name)); }

  /// Threads for each point where there are fewer points than threads that want work.
  void shareSums(const Stage &stage, int64_t points, int64_t wanted) {
    int64_t across = 1;
    bool anyNear = false;
    for (const Unit *unit : stage.units) {
      if (!unit->reduces())
        continue;
      int64_t steps = 1;
      for (unsigned dim : unit->reduced)
        steps *= unit->sizes[dim] == kBatch ? batch : unit->sizes[dim];
      bool near = isNear(*unit, stage);
      int64_t own = 1, least = near ? 1 : 4;
      // Neighbouring threads have neighbouring points, unless they share one: enough of them for whole lines of memory.
      constexpr int64_t ofLine = 32;
      int64_t lastAxis = stage.sizes.empty() ? 1 : countOf(stage.sizes.back(), batch), together = near ? 1 : std::min(lastAxis, ofLine);
      while (own * 2 * together <= threadsOfBlock() && own * 2 * least <= steps && points * own < wanted)
        own *= 2;
      if (near && points > 1 && steps >= 64)
        own = std::max<int64_t>(own, 8); // whole lines of memory
      across = std::max(across, own);
      anyNear |= near;
    }
    if (across == 1)
      return;
    for (const Unit *unit : stage.units) {
      unit->op->setAttr("horn.across", b.getI64IntegerAttr(across));
      if (anyNear)
        unit->op->setAttr("horn.together", b.getUnitAttr());
    }
  }

  /// Four elements of 4 bytes are what one instruction moves; fewer threads would not fill the device for small kernels.
  void takeSeveral(const Stage &stage) {
    constexpr int64_t several = 4, fewPoints = kMultiprocessors * 512;
    auto isSmallElement = [](const Access &access) {
      auto type = dyn_cast<RankedTensorType>(access.value.getType());
      return type && elementBytes(type.getElementType()) <= 4;
    };
    for (const Unit *unit : stage.units)
      if (!unit->isGeneric() || unit->reduces() || !llvm::all_of(unit->writes, isSmallElement))
        return;
    int64_t inner = countOf(stage.sizes, 1);
    if (inner % several == 0 && countOf(stage.sizes, batch) >= several * fewPoints)
      kernel->setAttr("horn.vector", b.getI64IntegerAttr(several));
  }

  /// The sum's last dimension runs along memory and that of the points does not.
  static bool isNear(const Unit &unit, const Stage &stage) {
    int64_t largest = 0;
    bool near = stage.sizes.empty();
    for (const Access &read : unit.reads) {
      auto type = dyn_cast<RankedTensorType>(read.value.getType());
      if (!type || elementsPerSample(type) < largest)
        continue;
      largest = elementsPerSample(type);
      near = unit.strideAlong(read, unit.reduced.back()) == 1 &&
             (unit.parallel.empty() || unit.strideAlong(read, unit.parallel.back()) != 1);
    }
    return near;
  }

  /// sum += a * b of two things that are read as they are, and large enough for tiles of it.
  bool mapProduct(const Unit &unit) {
    auto generic = dyn_cast<linalg::GenericOp>(unit.op);
    if (!generic || !isContraction(unit.op) || generic.getNumDpsInputs() != 2)
      return false;
    Block *body = generic.getBody();
    auto sum = body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
    auto product = sum ? sum.getRhs().getDefiningOp<arith::MulFOp>() : arith::MulFOp();
    if (!product || sum.getLhs() != body->getArgument(2) || product.getLhs() != body->getArgument(0) ||
        product.getRhs() != body->getArgument(1))
      return false;
    int64_t rows = 1, columns = 1, others = 1, steps = 1;
    Points points(unit);
    for (auto [axis, size] : llvm::enumerate(points.sizes)) {
      int64_t count = size == kBatch ? batch : size;
      Axis kind = axisOf(unit, points, axis);
      (kind == Axis::other ? others : kind == Axis::column ? columns : rows) *= count;
    }
    for (unsigned dim : unit.reduced)
      steps *= unit.sizes[dim] == kBatch ? batch : unit.sizes[dim];
    constexpr int64_t fewSteps = 16, fewOutputs = 4, smallProduct = 1 << 18;
    if (std::min(rows, columns) < fewOutputs || steps < fewSteps || rows * columns * others * steps < smallProduct)
      return false;
    Type element = cast<RankedTensorType>(generic.getResult(0).getType()).getElementType();
    form("product");
    describeProduct(unit);
    bool onTensorUnits = element.isF32() && math != "fp32";
    if (onTensorUnits) {
      auto arithmetic = math == "tf32" ? device::arithmetic::tf32 : device::arithmetic::bf16;
      const device::tensor_configuration &tile =
          device::tensor_table[device::choose_tensor_tiles(arithmetic, rows * others, columns, steps).index];
      kernel->setAttr("horn.tile", b.getDenseI64ArrayAttr({tile.BM, tile.BN, tile.BK, tile.WM, tile.WN, tile.stages}));
      kernel->setAttr("horn.arithmetic", b.getStringAttr(math));
      kernel->setAttr("horn.threads", b.getI64IntegerAttr(tile.threads()));
      return true;
    }
    const tile_configuration &tile = fastestTile(rows * others, columns, steps, static_cast<int>(elementBytes(element)));
    kernel->setAttr("horn.tile", b.getDenseI64ArrayAttr({tile.BM, tile.BN, tile.BK, tile.TM, tile.TN, tile.KS, tile.stages}));
    kernel->setAttr("horn.threads", b.getI64IntegerAttr(tile.threads()));
    return true;
  }

  /// The table's configuration that its model of a device calls fastest, of those that need no more than a block has
  /// unasked. Of doubles none does: of those that every device from sm_80 on gives a kernel that asks.
  static tile_configuration fastestTile(int64_t rows, int64_t columns, int64_t steps, int bytes) {
    const tile_configuration *best = nullptr;
    long least = 0;
    for (int mostShared : {48 * 1024, 96 * 1024}) {
      for (const tile_configuration &each : device::tile_table) {
        if (each.shared_bytes(bytes) > mostShared)
          continue;
        long cycles = device::product_cycles(each, rows, columns, steps, 1, bytes);
        if (!best || cycles < least)
          best = &each, least = cycles;
      }
      if (best)
        break;
    }
    assert(best && "the table has small tiles");
    return *best;
  }

  /// Rows belong to one operand, columns to the other; what both have, or none, makes products of their own.
  enum class Axis { row, column, other };
  static Axis axisOf(const Unit &unit, const Points &points, size_t axis) {
    bool left = reads(unit, points, 0, axis), right = reads(unit, points, 1, axis);
    if (left == right)
      return Axis::other;
    return ownerOfColumns(unit, points) == (right ? 1u : 0u) ? Axis::column : Axis::row;
  }

  /// What the printer has to know: the kind of each axis of the points, and whose the columns are.
  void describeProduct(const Unit &unit) {
    Points points(unit);
    SmallVector<int64_t> kinds;
    for (size_t axis = 0; axis < points.sizes.size(); ++axis)
      kinds.push_back(static_cast<int64_t>(axisOf(unit, points, axis)));
    unit.op->setAttr("horn.axes", b.getDenseI64ArrayAttr(kinds));
    unit.op->setAttr("horn.columns_of", b.getI64IntegerAttr(ownerOfColumns(unit, points)));
  }

  /// Does an axis of the points choose what operand `number` reads?
  static bool reads(const Unit &unit, const Points &points, unsigned number, size_t axis) {
    AffineMap map = unit.reads[number].map;
    if (!points.ofResult)
      return map.isFunctionOfDim(points.dims[axis]);
    AffineExpr place = unit.writes.front().map.getResult(points.dims[axis]);
    for (unsigned dim : unit.parallel)
      if (place.isFunctionOfDim(dim) && map.isFunctionOfDim(dim))
        return true;
    return false;
  }

  /// The operand that the last axis of the points belongs to: its elements are the columns.
  static unsigned ownerOfColumns(const Unit &unit, const Points &points) {
    return reads(unit, points, 1, points.sizes.size() - 1) ? 1 : 0;
  }

  func::FuncOp kernel;
  Builder b;
  int64_t batch;
  bool inSmallNet;
  StringRef math;
  int64_t threadsWanted;
  std::vector<Unit> units;
  SmallVector<Stage> stages;
};

/// Up to how many samples one block, a single multiprocessor, does this step about as fast as the launches of its kernels
/// alone would take; 0: none, or loops and copies are not for one block.
int64_t samplesOfOneBlock(func::FuncOp host) {
  constexpr double mostFlops = 1.5e6; // some 10 us; a launch in a graph takes one and more
  constexpr size_t mostBuffers = 500; // a kernel has 4 KB of arguments for sure
  double fixed = 0, perSample = 0;
  llvm::DenseSet<Value> buffers;
  WalkResult result = host.walk([&](Operation *op) {
    if (isa<scf::ForOp, memref::CopyOp>(op))
      return WalkResult::interrupt();
    auto launch = dyn_cast<LaunchOp>(op);
    if (!launch)
      return WalkResult::advance();
    buffers.insert(launch->operand_begin(), launch->operand_end());
    auto kernel = host->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(launch.getKernel());
    constexpr double idsPerRow = 100;
    auto work = kernel->getAttrOfType<DictionaryAttr>("horn.work");
    ArrayRef<double> flops = work.getAs<DenseF64ArrayAttr>("flops").asArrayRef(), bytes = work.getAs<DenseF64ArrayAttr>("written").asArrayRef();
    fixed += flops[0] + bytes[0];
    perSample += flops[1] + flops[2] * idsPerRow + bytes[1];
    return WalkResult::advance();
  });
  if (result.wasInterrupted() || fixed >= mostFlops || perSample <= 0 || buffers.size() > mostBuffers)
    return 0;
  return static_cast<int64_t>((mostFlops - fixed) / perSample);
}

struct MapPass : impl::MapBase<MapPass> {
  using MapBase::MapBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    int64_t batch = batchSizeOf(module);
    for (func::FuncOp kernel : module.getOps<func::FuncOp>())
      if (kernel->hasAttr("horn.kernel"))
        describeWork(kernel);
    // A net is small where a step of training, or of prediction if it has no other, is.
    auto train = module.lookupSymbol<func::FuncOp>("train_step");
    func::FuncOp measure = train ? train : module.lookupSymbol<func::FuncOp>("predict");
    bool isSmall = measure && samplesOfOneBlock(measure) > 0;
    for (StringRef step : {"predict", "evaluate_step", "train_step"})
      if (auto host = module.lookupSymbol<func::FuncOp>(step); host && isSmall)
        if (int64_t samples = samplesOfOneBlock(host))
          host->setAttr("horn.single_block", Builder(&getContext()).getI64IntegerAttr(samples));
    for (func::FuncOp kernel : module.getOps<func::FuncOp>())
      if (kernel->hasAttr("horn.kernel") && failed(KernelMapper(kernel, batch, isSmall, math).run()))
        return signalPassFailure();
  }
};

} // namespace
} // namespace hornfels

#include "passes/Pipelines.h"

#include "ir/HornDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

using namespace mlir;

namespace hornfels {

void loadDialects(MLIRContext &context) {
  context.loadDialect<horn::HornDialect, arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                      memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect>();
}

namespace {
struct Stage {
  StringRef name;
  std::function<void(OpPassManager &)> build;
};
} // namespace

static SmallVector<Stage> stages(const PipelineOptions &options);

/// The stages of the CPU up to `memory`, then how kernels run on a device.
static SmallVector<Stage> deviceStages(const PipelineOptions &options) {
  SmallVector<Stage> all = stages(options);
  while (all.back().name != "memory")
    all.pop_back();
  all.push_back({"map", [=](OpPassManager &pm) { pm.addPass(createMap(MapOptions{options.math})); }});
  return all;
}

static SmallVector<Stage> stages(const PipelineOptions &options) {
  auto onFunctions = [](OpPassManager &pm) -> OpPassManager & { return pm.nest<func::FuncOp>(); };
  return {
      // Rewrite what has a better gradient as a whole: multi_hot(t) . W becomes a sum of rows.
      {"simplify",
       [=](OpPassManager &pm) {
         onFunctions(pm).addPass(createCanonicalizerPass());
         onFunctions(pm).addPass(createCSEPass());
         onFunctions(pm).addPass(createSimplify());
       }},
      // Differentiate while operations are whole: dense has a two-line gradient, its loops do not.
      {"differentiate",
       [=](OpPassManager &pm) {
         onFunctions(pm).addPass(createDifferentiate());
         // Again with what nobody turned out to need left out.
         for (int round = 0; round < 2; ++round) {
           onFunctions(pm).addPass(createSimplify());
           onFunctions(pm).addPass(createCanonicalizerPass());
           onFunctions(pm).addPass(createCSEPass());
         }
       }},
      // From here on an operation is a loop nest with a body; views and constants have gone into their readers.
      {"lower",
       [=](OpPassManager &pm) {
         pm.addPass(createOutlineBodies());
         onFunctions(pm).addPass(createLower());
         onFunctions(pm).addPass(createCanonicalizerPass());
         onFunctions(pm).addPass(createCSEPass());
         // A sum over a large batch with few outputs is cut into parts, which threads can share.
         pm.addPass(createSplit(SplitOptions{options.vectorBytes, options.registers, options.device}));
       }},
      // Fuse after differentiation, so that the backward pass is fused by the same rules.
      {"fuse", [=](OpPassManager &pm) { pm.addPass(createFuse(FuseOptions{options.fuse, options.device})); }},
      // Place values before the kernels are tiled: a kernel knows what it overwrites.
      {"memory", [](OpPassManager &pm) { pm.addPass(createMemory()); }},
      // Large weights lie in panels, as products read them; a step with few ids need not update the rows of all others.
      {"pack",
       [=](OpPassManager &pm) {
         pm.addPass(createPack(PackOptions{options.vectorBytes}));
         pm.addPass(createLazy(LazyOptions{options.lazyRows}));
       }},
      {"schedule",
       [=](OpPassManager &pm) {
         pm.addPass(createSchedule(ScheduleOptions{options.vectorBytes, options.registers}));
       }},
  };
}

LogicalResult runPipeline(ModuleOp module, const PipelineOptions &options,
                          const std::function<bool(StringRef, ModuleOp)> &onStage) {
  for (const Stage &stage : options.device ? deviceStages(options) : stages(options)) {
    PassManager pm(module.getContext(), ModuleOp::getOperationName());
    stage.build(pm);
    if (failed(pm.run(module)))
      return failure();
    if (onStage && !onStage(stage.name, module))
      return success();
  }
  return success();
}

} // namespace hornfels

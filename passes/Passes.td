// The passes. Each has one record here, one .cpp, one line in Pipelines.cpp and one .mlir test.
#ifndef HORN_PASSES
#define HORN_PASSES

include "mlir/Pass/PassBase.td"

def Simplify : Pass<"horn-simplify", "::mlir::func::FuncOp"> {
  let summary = "rewrite whole operations into cheaper ones with a better gradient";
  let dependentDialects = ["::hornfels::horn::HornDialect"];
}

def Differentiate : Pass<"horn-differentiate", "::mlir::func::FuncOp"> {
  let summary = "replace each horn.gradient by the gradients, in reverse mode";
  let dependentDialects = ["::hornfels::horn::HornDialect"];
}

def OutlineBodies : Pass<"horn-outline-bodies", "::mlir::ModuleOp"> {
  let summary = "make a function of each scan's body: horn.body; the scan becomes a horn.loop";
  let dependentDialects = ["::hornfels::horn::HornDialect"];
}

def Lower : Pass<"horn-lower", "::mlir::func::FuncOp"> {
  let summary = "horn to linalg on tensors; ragged operations stay";
  let dependentDialects = ["::hornfels::horn::HornDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def Split : Pass<"horn-split", "::mlir::ModuleOp"> {
  let summary = "cut the sum over a large batch into parts where its outputs are too few to be shared out";
  let options = [Option<"vectorBytes", "vector-bytes", "int64_t", "64", "width of a vector register">,
                 Option<"registers", "registers", "int64_t", "32", "number of vector registers">,
                 Option<"device", "device", "bool", "false", "parts for the multiprocessors of a GPU">];
  let dependentDialects = ["::hornfels::horn::HornDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def Map : Pass<"horn-map", "::mlir::ModuleOp"> {
  let summary = "decide how each kernel runs on a device: stages, blocks, threads of a point";
  let options = [Option<"math", "math", "std::string", "\"fp32\"", "what products are computed in: fp32, tf32, bf16">];
  let dependentDialects = ["::hornfels::horn::HornDialect", "::mlir::linalg::LinalgDialect"];
}

def Fuse : Pass<"horn-fuse", "::mlir::ModuleOp"> {
  let summary = "group operations into kernels and outline each into a function";
  let options = [Option<"all", "all", "bool", "true", "fuse what may be fused; false: one operation, one kernel">,
                 Option<"device", "device", "bool", "false", "kernels for a GPU: see passes/map">];
  let dependentDialects = ["::hornfels::horn::HornDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def Memory : Pass<"horn-memory", "::mlir::ModuleOp"> {
  let summary = "give every value between kernels a place: a variable, an argument, an offset of the arena";
  let dependentDialects = ["::hornfels::horn::HornDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def Pack : Pass<"horn-pack", "::mlir::ModuleOp"> {
  let summary = "decide which weights lie in panels of columns: horn.panel on parameters, horn.panels by name";
  let options = [Option<"vectorBytes", "vector-bytes", "int64_t", "64", "width of a vector register">];
  let dependentDialects = ["::hornfels::horn::HornDialect", "::mlir::linalg::LinalgDialect"];
}

def Lazy : Pass<"horn-lazy", "::mlir::ModuleOp"> {
  let summary = "a second kernel for updates that change only the rows with a gradient: horn.lazy on launches and the module";
  let options = [Option<"make", "make", "bool", "true", "false: no second kernels, and the same bits">];
  let dependentDialects = ["::hornfels::horn::HornDialect", "::mlir::linalg::LinalgDialect"];
}

def Schedule : Pass<"horn-schedule", "::mlir::ModuleOp"> {
  let summary = "tile each kernel for registers, on buffers";
  let options = [Option<"vectorBytes", "vector-bytes", "int64_t", "64", "width of a vector register">,
                 Option<"registers", "registers", "int64_t", "32", "number of vector registers">];
  let dependentDialects = ["::hornfels::horn::HornDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

#endif

// Prints one scheduled kernel as a C++ function.
#ifndef HORNFELS_CODEGEN_CPP_KERNELPRINTER_H
#define HORNFELS_CODEGEN_CPP_KERNELPRINTER_H

#include "codegen/Names.h"
#include "codegen/cpp/Expression.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/DenseMap.h"

namespace hornfels {

/// A kernel's C++: its function, and in which order it takes what a launch gives.
struct PrintedKernel {
  std::string name;
  std::string text;
  /// For each parameter the operand of a launch (inputs, then outputs) that it takes.
  llvm::SmallVector<unsigned> parameters;
  bool takesBatch = false;
  bool takesRows = false; ///< begin and end
};

/// Loops become loops, a static tile becomes loops whose last dimension runs in lanes, a buffer on the stack becomes an
/// array of vectors where every use is in lanes, views print nothing. What has no spelling is refused.
class KernelPrinter {
public:
  KernelPrinter(mlir::func::FuncOp kernel, NameScope &file);
  mlir::FailureOr<PrintedKernel> print();

private:
  /// Where the elements of a buffer are.
  struct Place {
    enum Kind { memory, registers, scalar } kind = memory;
    std::string base;
    Linear offset;
    llvm::SmallVector<int64_t> strides;
    mlir::Type element;
    bool declared = true; ///< false: a scalar that its first value will declare
    /// Rows are filled up to whole vectors: the last one is read and written whole. (A load of what was stored under a mask
    /// waits until the store has left for the cache.)
    bool padded = false;
    int64_t panel = 0;    ///< columns of a panel of a packed matrix [rows, columns]; 0: not packed
    int64_t rows = 0, columns = 0;
  };
  /// How a tile runs: over which dimension the lanes go, and whether they are combined.
  struct Lanes {
    int dim = -1;
    bool reduces = false;
  };
  /// A point of a tile: an index for each dimension; in lanes, how many elements (0: a whole vector).
  struct Point {
    llvm::SmallVector<Linear> index;
    unsigned lanes = 1;
    int dim = -1;
    int64_t part = 0;
  };

  // KernelPrinter.cpp: structure.
  void nameParameters();
  std::string signature(PrintedKernel &printed);
  mlir::LogicalResult printBlock(mlir::Block &block);
  mlir::LogicalResult printOperation(mlir::Operation &op);
  mlir::LogicalResult printLoop(mlir::scf::ForOp loop);
  mlir::LogicalResult printBranch(mlir::scf::IfOp branch);
  mlir::LogicalResult printCall(mlir::Operation &op, llvm::StringRef function);
  void printPrefetch(mlir::memref::PrefetchOp ahead);
  Linear indexOf(mlir::OpFoldResult value);
  void line(const llvm::Twine &text);

  // Buffers.cpp: where they lie.
  void declare(mlir::memref::AllocaOp alloca);
  void declareConstant(mlir::Operation *cast);
  mlir::LogicalResult view(mlir::memref::SubViewOp subview);
  mlir::LogicalResult viewOfPanel(mlir::memref::SubViewOp subview, Place &place);
  void findRegisters();
  /// Elements from each axis' index to the next, of an array without gaps.
  static llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape);
  llvm::SmallVector<int64_t> paddedShape(mlir::MemRefType type);
  bool isWrittenAtOnce(mlir::memref::AllocaOp alloca);
  bool isFirstSumOf(mlir::Operation *op, mlir::Value buffer);
  bool isZeroFillOf(mlir::Operation *op, mlir::Value buffer);

  // TilePrinter.cpp: one linalg.generic.
  mlir::LogicalResult printTile(mlir::linalg::GenericOp tile);
  Lanes chooseLanes(mlir::linalg::GenericOp tile);
  bool printTransposition(mlir::linalg::GenericOp tile);
  int64_t rowSpread(mlir::Value buffer);
  int64_t strideAlong(mlir::Value buffer, mlir::AffineMap map, unsigned dim);
  mlir::LogicalResult printLoopsOf(mlir::linalg::GenericOp tile, const Lanes &lanes, Point point, unsigned dim);
  mlir::LogicalResult printLaneLoop(mlir::linalg::GenericOp tile, const Lanes &lanes, Point point);
  mlir::LogicalResult printReductionInLanes(mlir::linalg::GenericOp tile, Point point, unsigned dim);
  mlir::FailureOr<std::string> printPartialResults(mlir::linalg::GenericOp tile, Point point, unsigned dim);
  mlir::LogicalResult printRowSums(mlir::linalg::GenericOp tile, unsigned rows, unsigned dim);
  int rowsSummed(mlir::linalg::GenericOp tile, const Lanes &lanes);
  mlir::LogicalResult printPoint(mlir::linalg::GenericOp tile, const Point &point);
  /// The yielded values at a point; with `element`, that value of the body alone, without what follows it.
  mlir::FailureOr<llvm::SmallVector<Expr>> evaluate(mlir::linalg::GenericOp tile, const Point &point,
                                                    mlir::Value element = {});
  Expr read(mlir::Value buffer, mlir::AffineMap map, const Point &point);
  void write(mlir::Value buffer, mlir::AffineMap map, const Point &point, const Expr &value);
  std::string element(const Place &place, mlir::AffineMap map, const Point &point);
  Linear offsetIn(const Place &place, mlir::AffineMap map, const Point &point);
  std::string loopName(unsigned dim);
  /// The operand of a sum that is a product, where sums of products are spelled as such.
  std::optional<unsigned> productIn(mlir::Operation *sum) const;
  /// Some operand is a register tile with `dim` among its axes.
  bool indexesRegisters(mlir::linalg::GenericOp tile, unsigned dim);
  /// A loop of constant bounds around `body`, which is given its variable.
  mlir::LogicalResult inLoop(mlir::linalg::GenericOp tile, unsigned dim, int64_t lower, int64_t upper, int64_t step,
                             llvm::function_ref<mlir::LogicalResult(const Linear &)> body);
  /// The axis of a register tile that lies in the vectors: the last one that is not of size 1.
  static unsigned vectorAxis(mlir::MemRefType type);

  mlir::func::FuncOp kernel;
  unsigned vectorLanes;
  NameScope &file;
  NameScope names;
  std::string out;
  unsigned depth = 1;
  llvm::DenseMap<mlir::Value, Place> places;
  llvm::DenseMap<mlir::Value, Linear> indices;
  Multiples multiples;
  llvm::DenseMap<mlir::Value, Expr> values;
  llvm::DenseMap<mlir::Value, std::string> tokens;
  llvm::DenseSet<mlir::Value> inRegisters;
  llvm::DenseSet<mlir::Operation *> skipped;
  bool usesBatch = false, usesRows = false;
  bool exact = false; ///< another kernel must give the same bits: no product is left for the compiler to join with a sum
  unsigned temporaries = 0;
};

} // namespace hornfels

#endif

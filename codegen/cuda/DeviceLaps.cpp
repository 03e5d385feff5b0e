// The clock between what a step puts into its stream, for `hornfels bench`.
#include "codegen/cuda/DeviceHostPrinter.h"

#include "ir/Structure.h"

using namespace mlir;
using namespace hornfels::horn;

namespace hornfels {

/// The clock stops after what was just printed.
void DeviceHostPrinter::lap(Lap what, unsigned depth) {
  if (!takesLaps)
    return;
  line("lap(s, stream, " + Twine(laps.size()) + ");", depth);
  laps.push_back(std::move(what));
}

/// Position among the inputs of the rows of ids that a kernel goes through; -1: it has none.
int32_t DeviceHostPrinter::tokensOf(LaunchOp launch) {
  for (Value operand : launch->getOperands())
    if (auto argument = dyn_cast<BlockArgument>(operand); argument && isa<TokensType>(argument.getType())) {
      auto wish = host.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "horn.name");
      return static_cast<int32_t>(interface.data.lookup(wish ? wish.getValue() : ""));
    }
  return -1;
}

Lap DeviceHostPrinter::lapOf(LaunchOp launch, const std::string &name) {
  auto kernel = launch->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(launch.getKernel());
  auto form = kernel->getAttrOfType<StringAttr>("horn.form");
  Lap of{name, originOf(launch.getLoc()).name.str(), tokensOf(launch),
         workOfPasses(launch, kernel->getAttrOfType<DictionaryAttr>("horn.work"))};
  of.products = form && form.getValue() == "product";
  return of;
}

static DictionaryAttr sumOfWork(DictionaryAttr a, DictionaryAttr b) {
  if (!a || !b)
    return a ? a : b;
  NamedAttrList sum;
  for (NamedAttribute part : a) {
    auto left = cast<DenseF64ArrayAttr>(part.getValue()), right = b.getAs<DenseF64ArrayAttr>(part.getName());
    SmallVector<double> amounts(left.asArrayRef());
    for (auto [amount, more] : llvm::zip_equal(amounts, right.asArrayRef()))
      amount += more;
    sum.set(part.getName(), DenseF64ArrayAttr::get(a.getContext(), amounts));
  }
  return sum.getDictionary(a.getContext());
}

/// Several launches that run as one: what all of them have to do. Its layer is that of the first.
Lap DeviceHostPrinter::lapOf(Operation *several, const std::string &name) {
  Lap all;
  bool isFirst = true;
  several->walk<WalkOrder::PreOrder>([&](LaunchOp launch) {
    Lap one = lapOf(launch, name);
    if (isFirst)
      all = one;
    else
      all.work = sumOfWork(all.work, one.work);
    all.tokens = std::max(all.tokens, one.tokens);
    all.products |= one.products;
    isFirst = false;
  });
  all.name = name;
  return all;
}

} // namespace hornfels

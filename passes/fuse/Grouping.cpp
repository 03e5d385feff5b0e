#include "passes/fuse/Grouping.h"

#include "ir/Structure.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;

namespace hornfels {

SmallVector<unsigned> Grouping::producersOf(Operation *op) const {
  SmallVector<unsigned> producers;
  SmallVector<Operation *> pending{op};
  llvm::SmallPtrSet<Operation *, 16> seen;
  // Constants, empty tensors, fills and reshapes are looked through. A computation in no group is somebody else's: what
  // it reads is no concern of this graph.
  while (!pending.empty()) {
    for (Value operand : pending.pop_back_val()->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (!producer || !seen.insert(producer).second)
        continue;
      auto found = groupOf.find(producer);
      if (found == groupOf.end()) {
        if (!horn::isComputation(producer))
          pending.push_back(producer);
      } else if (!llvm::is_contained(producers, found->second)) {
        producers.push_back(found->second);
      }
    }
  }
  llvm::sort(producers);
  return producers;
}

bool Grouping::dependsOn(unsigned group, unsigned other) const {
  SmallVector<unsigned> pending{group};
  llvm::SmallSet<unsigned, 16> seen;
  while (!pending.empty()) {
    unsigned next = pending.pop_back_val();
    if (next == other)
      return true;
    if (!seen.insert(next).second)
      continue;
    for (Operation *member : groups[next])
      for (unsigned producer : producersOf(member))
        if (producer != next)
          pending.push_back(producer);
  }
  return false;
}

void Grouping::add(Operation *op, MayJoin mayJoin, bool siblings) {
  SmallVector<unsigned> producers = producersOf(op);
  SmallVector<unsigned> candidates = siblings ? llvm::to_vector(llvm::seq<unsigned>(groups.size())) : producers;
  for (unsigned candidate : llvm::reverse(candidates)) {
    // A path from the group through another producer back into it would be a cycle.
    bool cycle = llvm::any_of(producers, [&](unsigned other) {
      return other != candidate && dependsOn(other, candidate);
    });
    if (cycle || !mayJoin(groups[candidate]))
      continue;
    groups[candidate].push_back(op);
    groupOf[op] = candidate;
    return;
  }
  groupOf[op] = groups.size();
  groups.push_back({op});
}

void Grouping::sink(MaySink maySink) {
  for (unsigned from = groups.size(); from-- > 0;) {
    for (Operation *op : llvm::to_vector(llvm::reverse(groups[from]))) {
      auto reader = groupOf.end();
      for (Operation *user : op->getUsers())
        reader = groupOf.find(user);
      // An operation that only moves one way along existing dependences closes no cycle.
      if (reader == groupOf.end() || reader->second == from || !maySink(op, groups[from], groups[reader->second]))
        continue;
      llvm::erase(groups[from], op);
      auto &to = groups[reader->second];
      groupOf[op] = reader->second;
      to.insert(llvm::find_if(to, [&](Operation *member) { return op->isBeforeInBlock(member); }), op);
    }
  }
}

SmallVector<SmallVector<Operation *>> Grouping::sorted() const {
  SmallVector<SmallVector<Operation *>> result;
  SmallVector<bool> done(groups.size(), false);
  std::function<void(unsigned)> visit = [&](unsigned group) {
    if (done[group])
      return;
    done[group] = true;
    for (Operation *member : groups[group])
      for (unsigned producer : producersOf(member))
        if (producer != group)
          visit(producer);
    if (!groups[group].empty())
      result.push_back(groups[group]);
  };
  for (unsigned group = 0; group < groups.size(); ++group)
    visit(group);
  return result;
}

} // namespace hornfels

/* Tables whose rows are updated lazily. Where the optimizer leaves a weight without gradient as it is and only multiplies
 * its slots by a constant (RMSprop and SGD without momentum), a step with few ids touches their rows alone. The slots of
 * the others fall behind; they catch up, by the same multiplications one after another, before anybody reads them. So
 * every bit is that of an update of all rows. */
#ifndef HORNFELS_LAZY_ROWS_H
#define HORNFELS_LAZY_ROWS_H

#include "tokens.h"

namespace hornfels {

/* A slot that is multiplied by `factor` in each step that has no gradient for its row; 1: it stays. None is ever negative,
 * if it was not at first. */
struct decaying_slot {
  int32_t variable; /* index into variable_info */
  double factor;
};

/* What a generated model says of such a table. All its slots are [rows][columns] and of one type. */
struct lazy_table {
  int64_t rows, columns;
  int32_t type; /* hornfels_type */
  int32_t slot_count;
  const decaying_slot *slots;
};

/* The state of one table in a handle. Steps count from when all rows were current. */
struct lazy_rows {
  static constexpr int32_t seen = INT32_MIN; /* the sign bit of `steps`: listed in the step that is running */

  const lazy_table *table;
  int32_t *steps; /* [rows] the last step that wrote the row */
  int32_t *ids;   /* [rows] the rows of the step that is running, those of a chunk from its `begin` on */
  int32_t now;    /* the step that is running, or the last one; 0: all rows are current */
  bool lazy;      /* the last step was */
  bool touched;   /* somebody else wrote a slot or a weight: the next step updates all rows, and looks at what it meets */
  bool unproved;  /* a slot is negative or no number: every step updates all rows */
  bool all;       /* this step does, even those that would only decay */

  /* The row has no sample, and only decays. Where the samples did not fit nobody knows. */
  bool only_decays(const token_rows<int32_t> &samples, long row) const {
    return !all && samples.offsets && samples.offsets[row] == samples.offsets[row + 1];
  }

  /* Lists each id from `begin` to `end` that occurs in a sorted batch once, at ids[begin]; returns how many there are.
   * An id is written before it is known to be new: that needs no branch. */
  template <class Id> long collect(const token_rows<Id> &rows, long batch, long begin, long end) const {
    int32_t *const list = ids + begin, *place = list;
    const int32_t *const stop = list + (end - begin); /* there every row is listed */
    for (long sample = 0; sample < batch; ++sample) {
      const long first = rows.offsets[sample], last = rows.offsets[sample + 1];
      long t = begin > 0 ? lower_bound(rows, first, last, begin) : first;
      const long to = first < last && rows.ids[last - 1] >= end ? lower_bound(rows, first, last, end) : last;
      for (; t < to && place < stop; ++t) {
        const long id = rows.ids[t];
        const int32_t step = steps[id];
        *place = int32_t(id);
        place += step >= 0;
        steps[id] = step | seen;
      }
    }
    return place - list;
  }

  /* The row is written in this step: how many steps it has missed. */
  long touch(long row) const {
    const int32_t step = steps[row] & ~seen;
    steps[row] = now;
    return now - 1 - step;
  }
};

/* slot * factor * factor * ..., `times` roundings. Eight at a time, those that are too many by 1: how often a row was
 * missed is as good as random, and a loop that ends where nobody can guess costs more than all of its products. */
template <class V> inline V decayed(V slot, V factor, long times) {
  using scalar = decltype(factor[0] + factor[0]);
  const scalar f = factor[0], one = 1;
  const scalar factors[16] = {f, f, f, f, f, f, f, f, one, one, one, one, one, one, one, one};
  do {
    const scalar *const first = factors + (times < 8 ? 8 - times : 0);
    for (int i = 0; i < 8; ++i)
      slot *= first[i];
    times -= 8;
  } while (times > 0);
  return slot;
}
template <class Real> inline Real decayed_scalar(Real slot, Real factor, long times) {
  for (; times > 0; --times)
    slot *= factor;
  return slot;
}
inline float decayed(float slot, float factor, long times) { return decayed_scalar(slot, factor, times); }
inline double decayed(double slot, double factor, long times) { return decayed_scalar(slot, factor, times); }

/* Says whether the step that begins, with so many ids, is to touch their rows alone; if not, all rows are current. */
bool updates_lazily(lazy_rows &rows, void *const *variables, int64_t ids);

/* Makes all rows current: slot = slot * factor for each step that a row has missed. */
void catch_up(lazy_rows &rows, void *const *variables);

} // namespace hornfels

#endif

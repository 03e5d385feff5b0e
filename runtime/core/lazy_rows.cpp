#include "lazy_rows.h"

#include "abi.h"
#include "denormals.h"

namespace hornfels {

template <class Real> static void decay_row(Real *row, int64_t columns, Real factor, int64_t times) {
  for (; times > 0; --times) {
    bool decays = false;
    for (int64_t c = 0; c < columns; ++c) {
      row[c] *= factor;
      decays |= row[c] != 0;
    }
    if (!decays) /* zeros, by now, stay zeros */
      return;
  }
}

template <class Real> static void decay_rows(const lazy_rows &rows, Real *slot, Real factor) {
  const int64_t columns = rows.table->columns;
  for (int64_t row = 0; row < rows.table->rows; ++row)
    decay_row(slot + row * columns, columns, factor, rows.now - rows.steps[row]);
}

void catch_up(lazy_rows &rows, void *const *variables) {
  if (rows.now == 0)
    return;
  const flush_denormals mode; /* as in the steps that were missed */
  for (int32_t i = 0; i < rows.table->slot_count; ++i) {
    const decaying_slot &slot = rows.table->slots[i];
    void *const data = variables[slot.variable];
    if (slot.factor == 1)
      continue;
    if (rows.table->type == HORNFELS_F64)
      decay_rows(rows, static_cast<double *>(data), slot.factor);
    else
      decay_rows(rows, static_cast<float *>(data), static_cast<float>(slot.factor));
  }
  for (int64_t row = 0; row < rows.table->rows; ++row)
    rows.steps[row] = 0;
  rows.now = 0;
}

template <class Real> static bool all_not_negative(const Real *values, int64_t count) {
  bool wrong = false;
  for (int64_t i = 0; i < count; ++i)
    wrong |= !(values[i] >= 0); /* no number is not, either */
  return !wrong;
}

/* The proof that rows without gradient only decay begins with slots that are not negative. */
static bool slots_are_not_negative(const lazy_rows &rows, void *const *variables) {
  const lazy_table &table = *rows.table;
  bool right = true;
  for (int32_t i = 0; i < table.slot_count; ++i) {
    const void *const slot = variables[table.slots[i].variable];
    right = right && (table.type == HORNFELS_F64
                          ? all_not_negative(static_cast<const double *>(slot), table.rows * table.columns)
                          : all_not_negative(static_cast<const float *>(slot), table.rows * table.columns));
  }
  return right;
}

bool updates_lazily(lazy_rows &rows, void *const *variables, int64_t ids) {
  /* Lazily, a row costs more: with 16 columns both ways take as long at about three quarters as many ids as rows. Rows of
   * 256 bytes are summed by id where all are updated, and those without samples decay at once: with 64 columns, an eighth.
   * To and fro costs a catching up each time: to enter, fewer ids are asked for than to stay. */
  const int64_t row_bytes = rows.table->columns * (rows.table->type == HORNFELS_F64 ? 8 : 4);
  const int64_t sixteenth = rows.table->rows / 16, enter = row_bytes >= 256 ? 2 : 10, stay = row_bytes >= 256 ? 3 : 12;
  const int64_t most_ids = sixteenth * (rows.lazy ? stay : enter);
  constexpr int32_t most_steps = 1 << 20;
  if (rows.touched)
    rows.unproved = !slots_are_not_negative(rows, variables);
  rows.all = rows.touched || rows.unproved;
  rows.touched = false;
  rows.lazy = !rows.all && ids <= most_ids && rows.now < most_steps;
  if (rows.lazy)
    ++rows.now;
  else
    catch_up(rows, variables);
  return rows.lazy;
}

} // namespace hornfels

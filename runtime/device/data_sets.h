/* Data sets that stay on the device: how they come there, and how a batch is gathered. Part of program.cu. */
#ifndef HORNFELS_DEVICE_DATA_SETS_H
#define HORNFELS_DEVICE_DATA_SETS_H

#include "blocks.h"
#include "device_memory.h"

namespace hornfels::device {

/* Bytes of one row of an array that is not tokens', as it is kept. */
inline int64_t row_bytes(const hornfels_tensor &info, const hornfels_rows &rows) {
  switch (rows.form) {
  case HORNFELS_BYTES:
    return elements(info);
  case HORNFELS_CLASSES:
    return elements(info) / info.shape[info.rank - 1] * static_cast<int64_t>(sizeof(int32_t));
  default:
    return elements(info) * element_size(info.type);
  }
}

/* Bytes of all elements, or ids. */
inline int64_t data_bytes(const hornfels_tensor &info, const hornfels_rows &data, int64_t rows) {
  if (is_tokens(info))
    return data.array.offsets[rows] * element_size(info.type);
  return data.form == HORNFELS_WINDOWS ? data.array.size : rows * row_bytes(info, data);
}

/* Room for the ids of any batch of different rows: as long as the longest, or all that there are. */
inline int64_t ids_of_batch(const hornfels_tensor &info, const hornfels_rows &data, int64_t rows, int64_t capacity) {
  const int64_t *const offsets = data.array.offsets, all = offsets[rows];
  int64_t longest = 0;
  for (int64_t row = 0; row < rows; ++row)
    longest = offsets[row + 1] - offsets[row] > longest ? offsets[row + 1] - offsets[row] : longest;
  return (longest > all / capacity ? all : longest * capacity) * element_size(info.type);
}

/* The device's memory that a data set takes, with what a batch's ids take beyond their room. */
inline double bytes_of_set(const model_on_device &m, const hornfels_rows *data, int64_t rows) {
  double bytes = 4.0 * static_cast<double>(rows);
  for (int32_t i = 0; i < m.data_arrays(); ++i) {
    const hornfels_tensor &info = data_info(m.model(), i);
    bytes += static_cast<double>(data_bytes(info, data[i], rows)) * (data[i].training ? 2 : 1);
    if (!is_tokens(info))
      continue;
    const int64_t room = ids_of_batch(info, data[i], rows, m.capacity);
    bytes += 16.0 * (static_cast<double>(rows) + 1) +
             (room > m.places[i].id_room ? static_cast<double>(room - m.places[i].id_room) : 0.0);
  }
  return bytes;
}

/* A hornfels_status: whether four fifths of the free memory are enough. */
inline int32_t check_room(const model_on_device &m, const hornfels_rows *data, int64_t rows, error_text &error) {
  constexpr double mebibyte = 1024.0 * 1024.0, share = 0.8;
  for (int32_t i = 0; i < m.data_arrays(); ++i)
    if (elements(data_info(m.model(), i)) >= int64_t(1) << 31)
      return error.fail(HORNFELS_OUT_OF_MEMORY, "%s: rows of %lld elements are sent with each step",
                        data_info(m.model(), i).name, static_cast<long long>(elements(data_info(m.model(), i))));
  size_t free = 0, all = 0;
  if (const cudaError_t failure = cudaMemGetInfo(&free, &all); failure != cudaSuccess)
    return refuse(*m.code, "asking for free memory", failure, error);
  const double needed = bytes_of_set(m, data, rows), present = static_cast<double>(free);
  if (needed <= share * present)
    return HORNFELS_OK;
  return error.fail(HORNFELS_OUT_OF_MEMORY,
                    "%s: %lld rows of data need %.1f MiB of device memory, 80 %% of the %.1f MiB that are free may be used",
                    m.model().name, static_cast<long long>(rows), needed / mebibyte, present / mebibyte);
}

/* Memory on the device with a copy of `bytes` bytes. */
template <class T> cudaError_t allocate_copy(const model_on_device &m, T *&to, const void *from, int64_t bytes) {
  HORNFELS_TRY(allocate(to, bytes));
  return bytes == 0 ? cudaSuccess
                    : cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyHostToDevice, m.stream);
}

/* Copies everything; what a failure leaves is free_set's. */
inline cudaError_t copy_set(const model_on_device &m, data_set &set, const hornfels_rows *data, int64_t rows) {
  set.arrays = new (std::nothrow) resident_array[static_cast<size_t>(m.data_arrays()) + 1]();
  if (!set.arrays)
    return cudaErrorMemoryAllocation;
  for (int32_t i = 0; i < m.data_arrays(); ++i) {
    const hornfels_tensor &info = data_info(m.model(), i);
    resident_array &array = set.arrays[i];
    const int64_t bytes = data_bytes(info, data[i], rows), of_rows = (rows + 1) * static_cast<int64_t>(sizeof(int64_t));
    array.form = is_tokens(info) ? tokens_form : data[i].form;
    array.stride = data[i].stride;
    HORNFELS_TRY(allocate_copy(m, array.data, data[i].array.data, bytes));
    if (data[i].training)
      HORNFELS_TRY(allocate_copy(m, array.training, data[i].training, bytes));
    if (is_tokens(info)) {
      array.id_room = aligned(ids_of_batch(info, data[i], rows, m.capacity));
      HORNFELS_TRY(allocate_copy(m, array.offsets, data[i].array.offsets, of_rows));
      HORNFELS_TRY(allocate(array.scan, of_rows));
    }
  }
  HORNFELS_TRY(allocate(set.order, rows * static_cast<int64_t>(sizeof *set.order)));
  set.rows = rows;
  return cudaSuccess;
}

/* How a batch of the data set comes to where batches lie. */
inline gathered_array gather_of(const model_on_device &m, const data_set &set, int32_t index, bool trains) {
  const hornfels_tensor &info = data_info(m.model(), index);
  const resident_array &array = set.arrays[index];
  const device_array &to = m.arrays[index];
  gathered_array result{};
  result.form = array.form;
  result.type = info.type;
  result.from = trains && array.training ? array.training : array.data;
  result.to = const_cast<void *>(to.data);
  result.stride = array.stride;
  result.row = elements(info);
  switch (array.form) {
  case tokens_form:
    result.bytes = static_cast<int32_t>(element_size(info.type));
    result.offsets = array.offsets;
    result.scan = trains && set.ordered ? array.scan : array.offsets;
    result.to_offsets = const_cast<int64_t *>(to.offsets);
    break;
  case HORNFELS_BYTES:
    result.stride = result.row;
    break;
  case HORNFELS_CLASSES:
    result.stride = info.shape[info.rank - 1];
    result.row /= result.stride;
    break;
  case HORNFELS_PLAIN: {
    const int64_t bytes = elements(info) * element_size(info.type);
    result.bytes = bytes % 16 == 0 ? 16 : bytes % 8 == 0 ? 8 : static_cast<int32_t>(element_size(info.type));
    result.row = bytes / result.bytes;
    break;
  }
  }
  return result;
}

/* Threads that have something to do. */
inline int64_t pieces_of(const gathered_array &array, int64_t batch) {
  return array.form == tokens_form ? 32 * batch : batch * array.row * (array.form == HORNFELS_CLASSES ? array.stride : 1);
}

/* Launches what gathers a batch; m.arrays says where to. */
inline void launch_gather(const model_on_device &m, const data_set &set, bool trains, int64_t batch) {
  constexpr long most_blocks = 2048;
  for (int32_t first = 0; first < m.data_arrays(); first += arrays_of_gather) {
    const int32_t left = m.data_arrays() - first, count = left < arrays_of_gather ? left : arrays_of_gather;
    gather_task task{};
    task.order = trains && set.ordered ? set.order : nullptr;
    task.scalars = static_cast<const step_scalars *>(static_cast<const void *>(m.data));
    task.batch = batch;
    long blocks = 1;
    for (int32_t i = 0; i < count; ++i) {
      task.arrays[i] = gather_of(m, set, first + i, trains);
      const long needed = blocks_of(static_cast<long>(pieces_of(task.arrays[i], batch)), threads_of_gather);
      blocks = needed > blocks ? needed : blocks;
    }
    const dim3 grid(static_cast<unsigned>(blocks < most_blocks ? blocks : most_blocks), static_cast<unsigned>(count));
    launch(m.stream, gather_batch, grid, dim3(threads_of_gather), 0, task);
  }
}

/* A new order for training; null: none. */
inline cudaError_t copy_order(const model_on_device &m, data_set &set, const uint32_t *order, int64_t count) {
  set.ordered = order != nullptr;
  if (!order || count == 0)
    return cudaSuccess;
  HORNFELS_TRY(cudaMemcpyAsync(set.order, order, static_cast<size_t>(count) * sizeof *order, cudaMemcpyHostToDevice, m.stream));
  for (int32_t i = 0; i < m.data_arrays(); ++i)
    if (set.arrays[i].form == tokens_form)
      HORNFELS_TRY(launch(m.stream, scan_order, 1L, threads_of_scan, 0, set.arrays[i].scan,
                          static_cast<const int64_t *>(set.arrays[i].offsets), static_cast<const uint32_t *>(set.order), count));
  return cudaSuccess;
}

} // namespace hornfels::device

#endif

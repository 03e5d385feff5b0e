/* Any bytes as a table: counted, its columns chosen for models, all their numbers and lists read. Every
 * refusal must be a message with a place.
 *
 *   fuzz_csv -max_len=4096 -max_total_time=60 -rss_limit_mb=512 CORPUS
 */
#include <cstring>

#include "../runtime_program/double_model.h"
#include "memory_file.h"
#include "seeds.h"
#include "runtime/program/data/convert.h"
#include "runtime/program/data/csv_columns.h"
#include "runtime/program/failure.h"

namespace {

using namespace hornfels;
using namespace hornfels_tests;

void read(array_source source) {
  if (source.lists) {
    const token_lists lists = source.lists->read();
    if (lists.rows != source.header.shape[0] || lists.offsets.as<int64_t>()[0] != 0)
      abort();
    return;
  }
  std::vector<float> values(static_cast<size_t>(source.header.elements));
  read_elements(source, HORNFELS_F32, values.data(), source.header.elements, 0, 1);
}

void read_for(const hornfels_model &model, const csv_table &table) {
  const std::vector<column_request> requests{{model.input_info, {model.input_info->name, "x"}, true},
                                             {model.target_info, {model.target_info->name, "y"}, false}};
  const std::vector<std::vector<size_t>> columns = choose_columns(table, requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    const hornfels_tensor &tensor = *requests[i].tensor;
    if (columns[i].empty())
      continue;
    if (tensor.type == HORNFELS_TOKENS16 || tensor.type == HORNFELS_TOKENS32)
      read(table.open_lists(columns[i].front()));
    else
      read(table.open(columns[i], nullptr, 0));
  }
}

std::string seed(unsigned number) {
  switch (number % 4) {
  case 0:
    return "topic,story\n45,5 3 5\n0,\n1, 7\n";
  case 1:
    return "y,x_0,x_1,x_2,x_3,x_4,x_5,x_6,x_7,x_8,x_9,x_10,x_11,x_12\r\n1,2,3e5,-4,nan,inf,.5,6,7,8,9,10,"
           "\"11\",1e-9\r\n";
  case 2:
    return "price,a,b,c,d,e,f,g,h,i,j,k,l,m\n1,2,3,4,5,6,7,8,9,10,11,12,13,14";
  default:
    return "\xef\xbb\xbf\"sentiment\",\"re\"\"view\",review\n1,\"a,b\",\"1 2 3\"\n";
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const memory_file bytes;
  bytes.set(data, size);
  for (const hornfels_model *model : {&words_model, &topics_model, &notes_model, &prices_model})
    try {
      auto file = std::make_unique<input_file>();
      file_error error;
      require(file->open(bytes.path, error), error);
      const csv_table table(std::move(file));
      read_for(*model, table);
    } catch (const failure &problem) {
      if (!std::strstr(problem.what(), ": error: "))
        abort();
    }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned number) {
  return mutate_from_seeds(data, size, most, number, 2, seed);
}

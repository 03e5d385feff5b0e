#include "program.h"

#include <new>

#include "commands.h"
#include "runtime/core/text.h"
#include "runtime/program/data/inflate.h"

namespace hornfels {

namespace {

std::string version_text(const hornfels_model &model) {
  return format("%s, compiled by hornfels from %s\nstructure %s, interface %d\n", model.name, model.source,
                model.hash, static_cast<int>(model.abi));
}

exit_code dispatch(const hornfels_model &model, const std::vector<std::string> &arguments,
                   const bench_support &support) {
  const options chosen = parse_options(model, arguments);
  switch (chosen.what) {
  case command::train:
    return train(model, chosen);
  case command::evaluate:
    return evaluate(model, chosen);
  case command::predict:
    return predict(model, chosen);
  case command::generate:
    return generate(model, chosen);
  case command::bench:
    return bench(model, chosen, support);
  case command::selftest:
    return selftest(model, chosen);
  case command::version:
    print(version_text(model));
    return exit_done;
  case command::help:
    break;
  }
  print(help_text(model, chosen.topic));
  return exit_done;
}

/* A message that begins with "error:" is about no file: it takes the program's name. */
void report(const hornfels_model &model, const std::string &text) {
  print_error(text.compare(0, 6, "error:") == 0 ? std::string(model.name) + ": " + text : text);
}

} // namespace

int run_program(const hornfels_model *model, int argc, char **argv, const bench_support *support,
                const embedded_weights *weights) {
  if (weights)
    model_handle::embed(weights->begin, weights->end);
  prepare_standard_streams();
  set_inflater(make_inflater);
  if (!model || model->abi != HORNFELS_ABI_VERSION) {
    print_error(format("error: the model's interface is %d, this program's is %d",
                       model ? static_cast<int>(model->abi) : 0, HORNFELS_ABI_VERSION));
    return exit_system;
  }
  try {
    const exit_code code = dispatch(*model, std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc),
                                    support ? *support : bench_support{});
    require_output();
    return code;
  } catch (const failure &problem) {
    report(*model, problem.what());
    return problem.code();
  } catch (const std::bad_alloc &) {
    report(*model, "error: out of memory");
  } catch (const std::exception &problem) {
    report(*model, std::string("error: ") + problem.what());
  }
  return exit_system;
}

} // namespace hornfels

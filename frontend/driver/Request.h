// From the command line to a request of the compiler.
#pragma once

#include "frontend/driver/Architectures.h"
#include "frontend/driver/CommandLine.h"
#include "frontend/driver/Compile.h"
#include "frontend/driver/Console.h"

#include <algorithm>
#include <charconv>

namespace hornfels::driver {

/// `a` or `a,b`: the inputs of --tokens.
inline void addTokens(keras::ReadOptions &options, const std::string &text) {
  for (size_t at = 0; at <= text.size();) {
    size_t comma = std::min(text.find(',', at), text.size());
    options.tokens.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
}

/// `a=100` or `a=20,8`: the sizes of --shape.
inline void addShape(keras::ReadOptions &options, const std::string &text) {
  size_t equals = text.rfind('=');
  std::vector<int64_t> sizes;
  for (size_t at = equals; at < text.size();) {
    int64_t size = 0;
    auto [end, code] = std::from_chars(text.data() + at + 1, text.data() + text.size(), size);
    at = static_cast<size_t>(end - text.data());
    if (code != std::errc() || size < 1 || (at < text.size() && text[at] != ','))
      sizes.clear(), at = text.size();
    else
      sizes.push_back(size);
  }
  if (sizes.empty() || equals == 0)
    throw Failure{WrongCommandLine, "option `--shape` takes INPUT=N or INPUT=N,M with sizes above 0"};
  options.shapes[text.substr(0, equals)] = std::move(sizes);
}

/// The CPU's part of the pipeline is one for all machines then, so that they give the same bytes.
inline void requestCuda(CompileRequest &request, const CommandLine &line) {
  request.architectures = parseArchitectures(line.get("arch", kDefaultArchitectures));
  request.math = line.get("math", "fp32");
  request.laps = line.has("laps");
  request.cpu = "x86-64-v3";
  request.lazyRows = false;
}

/// `cpu` is the default of the command: native for a program of this machine, x86-64-v3 for sources that
/// travel.
inline CompileRequest requestOf(const CommandLine &line, const std::string &cpu = "native") {
  CompileRequest request;
  request.path = line.operands[0];
  request.modelName = line.get("model");
  request.includeDirectories = line.includeDirectories;
  if (line.has("tokens"))
    addTokens(request.keras, line.get("tokens"));
  if (line.has("shape"))
    addShape(request.keras, line.get("shape"));
  request.realIsF64 = line.get("real") == "f64";
  request.lossClip = line.get("loss") == "clip";
  request.onlyPredict = line.get("only") == "predict";
  request.fuse = line.get("fuse", "all") == "all";
  request.lazyRows = line.get("lazy-rows", "auto") == "auto";
  if (line.get("target") == "cuda")
    requestCuda(request, line);
  else
    request.cpu = line.get("cpu", cpu);
  request.keepStages = line.has("dump") || line.has("emit");
  request.lastStage = line.get("emit");
  request.embeddedWeights = line.get("embed-weights");
  return request;
}

} // namespace hornfels::driver

// From the command line to a request of the compiler.
#pragma once

#include "frontend/driver/CommandLine.h"
#include "frontend/driver/Compile.h"

namespace hornfels::driver {

/// `cpu` is the default of the command: native for a program of this machine, x86-64-v3 for sources that
/// travel.
inline CompileRequest requestOf(const CommandLine &line, const std::string &cpu = "native") {
  CompileRequest request;
  request.path = line.operands[0];
  request.modelName = line.get("model");
  request.includeDirectories = line.includeDirectories;
  request.realIsF64 = line.get("real") == "f64";
  request.lossClip = line.get("loss") == "clip";
  request.onlyPredict = line.get("only") == "predict";
  request.fuse = line.get("fuse", "all") == "all";
  request.lazyRows = line.get("lazy-rows", "auto") == "auto";
  request.cpu = line.get("cpu", cpu);
  request.keepStages = line.has("dump") || line.has("emit");
  request.lastStage = line.get("emit");
  return request;
}

} // namespace hornfels::driver

// The architectures of CUDA devices that `--arch` takes.
#pragma once

#include <string>
#include <vector>

namespace hornfels::driver {

/// What is compiled for when nobody says otherwise: A100 and its like, H100 and its like; PTX of the first for all that come
/// after.
inline constexpr const char *kDefaultArchitectures = "sm_80,sm_90";

/// "sm_80,sm_90a" as a list, in its order. Throws Failure{WrongCommandLine} that names what is unknown (with the nearest known
/// one, or the toolkit's floor), empty or given twice.
std::vector<std::string> parseArchitectures(const std::string &text);

/// nvcc's options for them: code for each, and PTX of the lowest, from which a driver compiles for later devices. One with an
/// `a` has neither successors nor PTX.
std::vector<std::string> architectureFlags(const std::vector<std::string> &architectures);

} // namespace hornfels::driver

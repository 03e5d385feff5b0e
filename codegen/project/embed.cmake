# cmake -DROOT=... -DOUT=... -P embed.cmake: the runtime's sources as string literals, for `emit`.
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/runtime/core/*.h ${ROOT}/runtime/core/*.cpp
     ${ROOT}/runtime/core/CMakeLists.txt ${ROOT}/runtime/program/*.h ${ROOT}/runtime/program/*.cpp
     ${ROOT}/runtime/program/CMakeLists.txt ${ROOT}/runtime/device/*.h ${ROOT}/runtime/device/*.cu
     ${ROOT}/runtime/device/CMakeLists.txt)
list(SORT files)
set(text "#include \"codegen/Codegen.h\"\n\nnamespace hornfels {\n\nconst std::vector<SourceFile> &runtimeSources() {\n")
string(APPEND text "  static const std::vector<SourceFile> files = {\n")
foreach(file IN LISTS files)
  file(READ ${ROOT}/${file} content)
  string(APPEND text "{\"${file}\", ")
  # A literal may hold 64 KiB everywhere: pieces of 16,000 characters stand side by side.
  string(LENGTH "${content}" length)
  set(position 0)
  if(length EQUAL 0)
    string(APPEND text "\"\"")
  endif()
  while(position LESS length)
    string(SUBSTRING "${content}" ${position} 16000 piece)
    string(APPEND text "R\"hornfels(${piece})hornfels\"\n")
    math(EXPR position "${position} + 16000")
  endwhile()
  string(APPEND text "},\n")
endforeach()
string(APPEND text "  };\n  return files;\n}\n\n} // namespace hornfels\n")
file(WRITE ${OUT} "${text}")

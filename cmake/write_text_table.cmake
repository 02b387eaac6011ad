# Run by pewter_embed_text. A literal holds at most 4,000 characters, which every compiler takes; they
# join by themselves.
string(REPLACE "|" ";" files "${FILES}")
set(table "")
foreach(path ${files})
  file(RELATIVE_PATH name ${FOLDER} ${path})
  file(READ ${path} text)
  # Brackets and semicolons mean something to CMake's lists; nothing here makes a list of the text.
  set(pieces "")
  string(LENGTH "${text}" length)
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 4000 piece)
    string(APPEND pieces "R\"~~~~(${piece})~~~~\"\n")
    math(EXPR at "${at} + 4000")
  endwhile()
  if(NOT pieces)
    set(pieces "\"\"\n")
  endif()
  string(APPEND table "    {\"${name}\",\n${pieces}},\n")
endforeach()
string(REGEX REPLACE "::[^:]*$" "" space "${FUNCTION}")
string(REGEX REPLACE "^.*::" "" function "${FUNCTION}")
if(space STREQUAL FUNCTION)
  set(open "")
  set(close "")
else()
  set(open "namespace ${space} {\n")
  set(close "}\n")
endif()
file(WRITE ${OUTPUT}.draft "// Written by cmake/write_text_table.cmake.
#include <span>
#include <string_view>
#include <utility>

${open}std::span<const std::pair<std::string_view, std::string_view>> ${function}();
std::span<const std::pair<std::string_view, std::string_view>> ${function}() {
  static constexpr std::pair<std::string_view, std::string_view> kTable[] = {
${table}  };
  return kTable;
}
${close}")
file(RENAME ${OUTPUT}.draft ${OUTPUT})

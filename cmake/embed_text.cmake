# Text files as a table in a program: kernels in Metal's language, headers that a compiler will want.
#
#   pewter_embed_text(<target> <function> <folder> <file>...)
#
# adds a source to the target that defines
#   std::span<const std::pair<std::string_view, std::string_view>> <function>();
# with a name (the path from the folder) and a text for each file. The function may be in a namespace
# (a::b::c); who calls it declares it.
function(pewter_embed_text target function folder)
  string(REPLACE "::" "_" plain ${function})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_${plain}.cpp)
  set(paths "")
  foreach(file ${ARGN})
    get_filename_component(path ${file} ABSOLUTE BASE_DIR ${folder})
    list(APPEND paths ${path})
  endforeach()
  string(REPLACE ";" "|" joined "${paths}")
  add_custom_command(OUTPUT ${output} DEPENDS ${paths} ${PROJECT_SOURCE_DIR}/cmake/write_text_table.cmake
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DFUNCTION=${function} -DFOLDER=${folder}
            "-DFILES=${joined}" -P ${PROJECT_SOURCE_DIR}/cmake/write_text_table.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()

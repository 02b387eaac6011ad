# pewter_digest(VARIABLE FILE...): one SHA-256 over the files' contents, for caches that must not
# outlive the code that filled them. A change of any file configures anew.
function(pewter_digest variable)
  set(all "")
  foreach(file ${ARGN})
    file(SHA256 ${file} one)
    string(APPEND all ${one})
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
  string(SHA256 all "${all}")
  set(${variable} ${all} PARENT_SCOPE)
endfunction()

# Settings every target of pewter shares, and the two one-line ways to add an op and a test.

# Where <fma.h>-class instructions exist they are chosen at run time by the kernels (Highway); the
# rest of the code is compiled for the baseline so that one build runs on every machine.
function(pewter_settings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra)
  if(PEWTER_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 warns of its own std::string (bug 105651).
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  # A product and a sum are fused only where the code says so: results must not depend on the compiler.
  target_compile_options(${target} PRIVATE -ffp-contract=off)
  if(PEWTER_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${PEWTER_SANITIZE} -fno-omit-frame-pointer
                                             -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${PEWTER_SANITIZE})
  endif()
endfunction()

# Every kernel is compiled once per instruction set. These three gain nothing over the ones kept
# (one lane, AVX2, AVX-512; NEON) and would double the time to build.
set(PEWTER_DISABLED_TARGETS "HWY_SSSE3|HWY_SSE4|HWY_AVX3_DL" CACHE STRING
    "Highway's instruction sets to leave out")

# Headers of libraries that most files of a target include, parsed once. What a file needs it still
# includes itself: the compile for Arm (tools/cross-compile) goes without.
function(pewter_precompile target)
  list(TRANSFORM ARGN REPLACE "(.+)" "<\\1>")
  target_precompile_headers(${target} PRIVATE ${ARGN})
endfunction()

function(pewter_layer target)
  pewter_settings(${target})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                              $<INSTALL_INTERFACE:include>
                                       PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_definitions(${target} PRIVATE
    "HWY_DISABLED_TARGETS=(${PEWTER_DISABLED_TARGETS})")
endfunction()

# pewter_add_op(softmax): every source of src/ops/softmax, by its suffix. A file *_bf16x86.cpp is
# compiled for AVX-512 with bf16 instructions, on x86-64 only; GCC 12 warns of its own intrinsics there
# (bug 105593).
function(pewter_add_op name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  foreach(source ${sources})
    if(source MATCHES "_bf16x86\\.cpp$")
      if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS
          "-mavx512f;-mavx512bw;-mavx512vl;-mavx512dq;-mavx512bf16;-mfma;-mprefer-vector-width=512;$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>")
      else()
        continue()
      endif()
    endif()
    target_sources(pewter_ops PRIVATE ${source})
  endforeach()
endfunction()

# pewter_add_tests(ops LIBS pewter_ops): all of tests/<name>/*_test.cpp as one program. Those named
# *_property_test.cpp need rapidcheck; ctest runs them from one seed. Tests with Soak in their name are
# left to entries of their own, labelled slow.
function(pewter_add_tests name)
  cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*_test.cpp)
  if(NOT rapidcheck_FOUND)
    list(FILTER sources EXCLUDE REGEX "_property_test\\.cpp$")
  endif()
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_tests ${sources})
  pewter_settings(${name}_tests)
  target_include_directories(${name}_tests PRIVATE ${PROJECT_SOURCE_DIR}/src
                                                   ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name}_tests PRIVATE
    PEWTER_DATA_DIR="${PROJECT_SOURCE_DIR}/data" PEWTER_COMMAND="${CMAKE_BINARY_DIR}/pewter")
  target_link_libraries(${name}_tests PRIVATE ${arg_LIBS} GTest::gtest_main)
  # The library is optimised; what calls it need not be, and compiles in half the time.
  target_compile_options(${name}_tests PRIVATE -O0)
  pewter_precompile(${name}_tests gtest/gtest.h pewter/pewter.h)
  if(rapidcheck_FOUND)
    target_link_libraries(${name}_tests PRIVATE rapidcheck)
  endif()
  gtest_discover_tests(${name}_tests TEST_PREFIX "${name}/" TEST_FILTER "-*Soak*" DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${name} ENVIRONMENT "RC_PARAMS=seed=20 max_success=300")
endfunction()

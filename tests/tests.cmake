# Unit tests mirror src/; fuzz targets replay their corpus; e2e files run the real binary. Everything runs under ctest.
find_package(GTest REQUIRED)
find_package(simdjson REQUIRED)  # what our own reading of JSON is compared with
find_package(Python3 REQUIRED COMPONENTS Interpreter)
include(GoogleTest)

file(GLOB unit_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/*/*_test.cpp)
if(INTRAGATE_SANITIZE MATCHES thread)  # only what starts threads has anything to show it
  foreach(source ${unit_sources})
    file(STRINGS ${source} threads REGEX "std::(thread|jthread|async)" LIMIT_COUNT 1)
    if(NOT threads)
      list(REMOVE_ITEM unit_sources ${source})
    endif()
  endforeach()
endif()
add_executable(unit_tests ${unit_sources})
target_include_directories(unit_tests PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/tests)
if(INTRAGATE_SANITIZE)
  target_compile_options(unit_tests PRIVATE -O0)  # optimizing what a sanitizer put into GoogleTest's macros takes longest
endif()
target_compile_definitions(unit_tests PRIVATE INTRAGATE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
target_link_libraries(unit_tests PRIVATE ig_app ig_content simdjson::simdjson yaml-cpp GTest::gtest GTest::gtest_main)
# A third of the time that its files take is GoogleTest's header. Not where a compiler cache is in front, which saves more
# and cannot look into precompiled headers.
if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  target_precompile_headers(unit_tests PRIVATE <gtest/gtest.h> <filesystem> <functional> <map> <optional> <sstream> <vector>)
endif()
gtest_discover_tests(unit_tests PROPERTIES LABELS unit DISCOVERY_TIMEOUT 60)

file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fuzz/*_fuzz.cpp)
if(INTRAGATE_SANITIZE MATCHES thread)  # no parser starts threads
  set(fuzz_sources)
endif()
foreach(source ${fuzz_sources})
  get_filename_component(name ${source} NAME_WE)
  string(REPLACE "_fuzz" "" parser ${name})
  add_executable(${name} ${source})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ig_app ig_content simdjson::simdjson)
  if(INTRAGATE_LIBFUZZER)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/fuzz/replay.cpp)
  endif()
  add_test(NAME replay.${parser} COMMAND ${name} ${CMAKE_SOURCE_DIR}/fuzz/corpus/${parser})
  set_tests_properties(replay.${parser} PROPERTIES LABELS replay)
endforeach()

add_test(NAME source.rules COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/scripts/check_source.py)
set_tests_properties(source.rules PROPERTIES LABELS unit)

# What tests/differential compares with other parsers.
add_executable(http_head_verdict ${CMAKE_SOURCE_DIR}/tests/differential/http_head_verdict.cpp)
target_link_libraries(http_head_verdict PRIVATE ig_net)
add_executable(jinja_render ${CMAKE_SOURCE_DIR}/tests/differential/jinja_render.cpp)
target_link_libraries(jinja_render PRIVATE ig_jinja)
add_executable(token_count ${CMAKE_SOURCE_DIR}/tests/differential/token_count.cpp)
target_link_libraries(token_count PRIVATE ig_tokenizer)

# One ctest entry per end-to-end file: scripts/setup made the Python environment.
set(venv_python ${CMAKE_SOURCE_DIR}/build/venv/bin/python)
file(GLOB e2e_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/e2e/test_*.py ${CMAKE_SOURCE_DIR}/tests/differential/test_*.py)
foreach(file ${e2e_files})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE "test_" "" name ${name})
  # What a call does within its loop has nothing to show to ThreadSanitizer.
  if(INTRAGATE_SANITIZE MATCHES thread AND name MATCHES
     "^(attacks|check|commands|dialects|embeddings|errors|fronts|grpc|http_strict|pki|rerank_and_speech|slow_clients|template)$")
    continue()
  endif()
  add_test(NAME e2e.${name}
           COMMAND ${venv_python} -m pytest -q -p no:cacheprovider ${file}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  # sdk: what clients see, with their own libraries and a real model; faults: what real parts do not do on demand.
  set(label faults)
  if(name MATCHES "openai|anthropic|dify|sdks|triton|nginx|readme|http_head|hardening|security_document")
    set(label sdk)
  endif()
  set_tests_properties(e2e.${name} PROPERTIES LABELS ${label} TIMEOUT 900
                       ENVIRONMENT "INTRAGATE_BINARY=$<TARGET_FILE:intragate>;INTRAGATE_BUILD=${CMAKE_BINARY_DIR}")
endforeach()

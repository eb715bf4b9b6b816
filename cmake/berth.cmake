# Flags and functions that every folder uses.

add_library(berth_flags INTERFACE)
# -iquote, not -I: our sys/file.h must not hide the system's <sys/file.h>.
target_compile_options(berth_flags INTERFACE -iquote ${PROJECT_SOURCE_DIR})
target_compile_definitions(berth_flags INTERFACE _GNU_SOURCE BERTH_VERSION="${PROJECT_VERSION}")
target_compile_options(berth_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-missing-field-initializers
                       $<$<CXX_COMPILER_ID:GNU>:-fcoroutines>)
if(BERTH_WERROR)
  target_compile_options(berth_flags INTERFACE -Werror)
endif()
if(BERTH_FUZZ)
  target_compile_options(berth_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(BERTH_SANITIZE STREQUAL thread)
  target_compile_options(berth_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(berth_flags INTERFACE -fsanitize=thread)
elseif(BERTH_SANITIZE)
  target_compile_options(berth_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(berth_flags INTERFACE -fsanitize=address,undefined)
else()
  # Pages that no function uses are not mapped, and a second libstdc++ is not searched for symbols at start-up.
  target_compile_options(berth_flags INTERFACE -ffunction-sections -fdata-sections)
  # A program with the property BERTH_STATIC has no interpreter and no libraries to relocate: a third less for every start.
  target_link_options(berth_flags INTERFACE $<IF:$<BOOL:$<TARGET_PROPERTY:BERTH_STATIC>>,-static-pie,-static-libstdc++;-static-libgcc>
                      -Wl,--gc-sections -Wl,--as-needed -Wl,-z,relro,-z,now)
endif()

# berth_unity(TARGET): with BERTH_UNITY, a dozen files are compiled as one. Then no two files of a folder may have the same
# name in an anonymous namespace.
function(berth_unity target)
  if(BERTH_UNITY)
    # The system's headers of addresses come before the kernel's, which then leave out what those have.
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12
                                               UNITY_BUILD_CODE_BEFORE_INCLUDE "#include <netinet/in.h>")
  endif()
endfunction()

# berth_library(NAME LIBS...): the static library of this folder, of every .cpp in it.
function(berth_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT sources) # a folder of headers only
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE berth_flags ${ARGN})
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC berth_flags ${ARGN})
  berth_unity(${name})
endfunction()

# berth_precompile(TARGET HEADERS...): large headers that most files of a target include, read once.
function(berth_precompile target)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE ${ARGN})
  target_compile_options(${target} PRIVATE -fpch-preprocess)  # for ccache
endfunction()

# berth_tests(FOLDER LIBS...): tests/FOLDER/*_test.cpp as one Catch2 program, test_FOLDER, run by CTest.
function(berth_tests folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${folder} ${sources})
  target_link_libraries(test_${folder} PRIVATE berth_test_main ${ARGN})
  target_compile_options(test_${folder} PRIVATE -O0)  # assertions are slow to compile, and quick enough as they are
  berth_precompile(test_${folder} <catch2/catch.hpp> <fmt/core.h>)
  add_test(NAME ${folder} COMMAND test_${folder} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()

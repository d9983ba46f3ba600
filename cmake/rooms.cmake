# Each room is a static library that sees only the rooms declared before it; what a room must not use, it cannot link.

set(LOCKSTEP_ROOMS_BELOW "" CACHE INTERNAL "The rooms declared so far")

add_library(lockstep_options INTERFACE)
target_include_directories(lockstep_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(lockstep_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC 12 sees overflows in joined std::strings, and in toml++, where there are none (GCC bug 105651).
  target_compile_options(lockstep_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow;-Wno-stringop-overread>)
endif()
target_compile_definitions(lockstep_options INTERFACE LOCKSTEP_VERSION="${PROJECT_VERSION}")
if(LOCKSTEP_TORCH_ROOMS AND LibTorch_OLD_ABI)
  target_compile_definitions(lockstep_options INTERFACE _GLIBCXX_USE_CXX11_ABI=0)
endif()
if(LOCKSTEP_SANITIZE)
  target_compile_options(lockstep_options INTERFACE -fsanitize=${LOCKSTEP_SANITIZE} -fno-omit-frame-pointer -g
    # False in GCC 12's <regex> and std::optional under the sanitizers; unknown to clang.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(lockstep_options INTERFACE -fsanitize=${LOCKSTEP_SANITIZE})
endif()

if(LOCKSTEP_TORCH_ROOMS)
  # LibTorch's headers cost 20 s a unit: they are compiled once, and every unit that uses them reuses the result.
  add_library(lockstep_torch_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/torch_pch.cpp)
  target_link_libraries(lockstep_torch_pch PUBLIC lockstep_options LibTorch::LibTorch)
  target_precompile_headers(lockstep_torch_pch PRIVATE <torch/torch.h>)
  set_target_properties(lockstep_torch_pch PROPERTIES CXX_COMPILER_LAUNCHER "")
endif()

# Half of the time of a unit goes to templates that LibTorch's headers leave pending, header compiled or not: several
# sources are compiled as one unit. So a name in an unnamed namespace is there once in a room.
function(lockstep_use_torch_pch target)
  target_precompile_headers(${target} REUSE_FROM lockstep_torch_pch)
  set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER "" UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
endfunction()

# A program is compiled with -fPIE, the precompiled header with -fPIC, and both must agree.
function(lockstep_program_with_torch_pch target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC)
  lockstep_use_torch_pch(${target})
endfunction()

# lockstep_room(NAME [TORCH] [LIBRARIES …])
function(lockstep_room name)
  cmake_parse_arguments(room "TORCH" "" "LIBRARIES" ${ARGN})
  if(room_TORCH AND NOT LOCKSTEP_TORCH_ROOMS)
    # What a torch room holds that is free of torch is built all the same, to be tested under the thread sanitizer.
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/lockstep/${name}/core/*.cpp)
  else()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/lockstep/${name}/*.cpp)
    list(FILTER sources EXCLUDE REGEX "/with_cuda/")
  endif()
  set(target lockstep_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    if(room_TORCH AND LOCKSTEP_TORCH_ROOMS)
      lockstep_use_torch_pch(${target})
      target_link_libraries(${target} PUBLIC LibTorch::LibTorch)
    endif()
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  foreach(below ${LOCKSTEP_ROOMS_BELOW})
    target_link_libraries(${target} ${scope} lockstep_${below})
  endforeach()
  target_link_libraries(${target} ${scope} lockstep_options ${room_LIBRARIES})
  set(LOCKSTEP_ROOMS_BELOW ${LOCKSTEP_ROOMS_BELOW} ${name} CACHE INTERNAL "")
endfunction()

# What names CUDA or NCCL, the folders with_cuda/ of all rooms, makes a module that programs load where there is a driver.
# It takes what it needs of the rooms from the program that loads it.
function(lockstep_cuda_module)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/lockstep/*/with_cuda/*.cpp)
  if(LOCKSTEP_NVCC)
    file(GLOB kernels CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/lockstep/*/with_cuda/*.cu)
    list(APPEND sources ${kernels})
  else()
    list(FILTER sources EXCLUDE REGEX "/(finish_images|kernels).cpp$")
  endif()
  add_library(lockstep_cuda MODULE ${sources})
  if(LOCKSTEP_NVCC)
    target_compile_definitions(lockstep_cuda PRIVATE LOCKSTEP_NVCC)
    set_target_properties(lockstep_cuda PROPERTIES CUDA_RUNTIME_LIBRARY None)
    # No product fused into an addition: the bits of the processor.
    target_compile_options(lockstep_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-fmad=false>)
  endif()
  target_link_libraries(lockstep_cuda PRIVATE lockstep_options LibTorch::Cuda)
  lockstep_use_torch_pch(lockstep_cuda)
  target_link_options(lockstep_parallel INTERFACE -Wl,--dynamic-list=${CMAKE_SOURCE_DIR}/cmake/module_symbols.list)
endfunction()

# Finds LibTorch in LOCKSTEP_TORCH (a folder with include/ and lib/: that of the wheel, or an unpacked LibTorch) and
# makes the target LibTorch::LibTorch. LibTorch's own TorchConfig.cmake is not used: for a CUDA build it demands the
# CUDA toolkit, which a machine that only runs the program need not have.

set(LOCKSTEP_TORCH "$ENV{LOCKSTEP_TORCH}" CACHE PATH "Folder of LibTorch, with include/ and lib/")
find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/torch.h HINTS ${LOCKSTEP_TORCH}/include NO_DEFAULT_PATH NO_CACHE)
find_library(LibTorch_LIBRARY torch HINTS ${LOCKSTEP_TORCH}/lib NO_DEFAULT_PATH NO_CACHE)

if(LibTorch_INCLUDE_DIR)
  set(_version_header ${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h)
  if(NOT EXISTS ${_version_header})  # before 2.9
    set(_version_header ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include/torch/version.h)
  endif()
  file(STRINGS ${_version_header} _version_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH)")
  string(REGEX REPLACE "[^0-9]+([0-9]+)[^0-9]+([0-9]+)[^0-9]+([0-9]+).*" "\\1.\\2.\\3" LibTorch_VERSION "${_version_lines}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run scripts/setup.sh, or set LOCKSTEP_TORCH to a folder of LibTorch 2.6 or newer")

if(LibTorch_FOUND AND LibTorch_VERSION VERSION_LESS 2.6)
  message(FATAL_ERROR "LibTorch ${LibTorch_VERSION} in ${LOCKSTEP_TORCH} is too old: 2.6 or newer is needed")
endif()

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  get_filename_component(_library_dir ${LibTorch_LIBRARY} DIRECTORY)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  set_target_properties(LibTorch::LibTorch PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
  # CUDA's part is loaded at run time (lockstep/parallel/cuda_module.h), where there is a driver.
  # Not libtorch.so itself: it holds nothing, and exports parts of std::filesystem that do not suit this compiler's.
  foreach(_name torch_cpu c10)
    target_link_libraries(LibTorch::LibTorch INTERFACE ${_library_dir}/lib${_name}.so)
  endforeach()
  # The wheel of 2.6 still has the old ABI of the standard library; whatever is linked with it must have it, too.
  set(LibTorch_OLD_ABI OFF)
  set(_config ${_library_dir}/../share/cmake/Torch/TorchConfig.cmake)
  if(EXISTS ${_config})
    file(STRINGS ${_config} _abi REGEX "_GLIBCXX_USE_CXX11_ABI=0")
    if(_abi)
      set(LibTorch_OLD_ABI ON)
    endif()
  endif()
endif()

# What direct use of the GPUs needs beside LibTorch: the headers of CUDA and of NCCL, and the very libraries that
# libtorch_cuda has loaded. The wheel brings all of it; LibTorch_CUDA says whether it is here.
set(LibTorch_CUDA OFF)
if(LibTorch_FOUND AND EXISTS ${_library_dir}/libtorch_cuda.so)
  file(GLOB _nvidia_includes ${_library_dir}/../../nvidia/*/include)
  file(GLOB _nvidia_libraries ${_library_dir}/../../nvidia/*/lib)
  find_path(LibTorch_CUDA_INCLUDE_DIR cuda_runtime_api.h PATHS ${_nvidia_includes} /usr/local/cuda/include
    NO_DEFAULT_PATH NO_CACHE)
  find_path(LibTorch_NCCL_INCLUDE_DIR nccl.h PATHS ${_nvidia_includes} /usr/include NO_DEFAULT_PATH NO_CACHE)
  find_library(LibTorch_NCCL_LIBRARY NAMES libnccl.so.2 PATHS ${_nvidia_libraries} /usr/lib/x86_64-linux-gnu
    NO_DEFAULT_PATH NO_CACHE)
  find_library(LibTorch_CUDART_LIBRARY NAMES libcudart.so.13 libcudart.so.12 PATHS ${_nvidia_libraries}
    ${_library_dir} /usr/local/cuda/lib64 NO_DEFAULT_PATH NO_CACHE)
  if(LibTorch_CUDA_INCLUDE_DIR AND LibTorch_NCCL_INCLUDE_DIR AND LibTorch_NCCL_LIBRARY AND LibTorch_CUDART_LIBRARY)
    set(LibTorch_CUDA ON)
    if(NOT TARGET LibTorch::Cuda)
      add_library(LibTorch::Cuda INTERFACE IMPORTED)
      target_include_directories(LibTorch::Cuda SYSTEM INTERFACE ${LibTorch_CUDA_INCLUDE_DIR}
        ${LibTorch_NCCL_INCLUDE_DIR} ${_nvidia_includes})
      target_link_libraries(LibTorch::Cuda INTERFACE LibTorch::LibTorch ${_library_dir}/libtorch_cuda.so
        ${_library_dir}/libc10_cuda.so ${LibTorch_NCCL_LIBRARY} ${LibTorch_CUDART_LIBRARY})
    endif()
  endif()
  message(STATUS "Headers and libraries of CUDA and NCCL for several GPUs: ${LibTorch_CUDA}")
endif()

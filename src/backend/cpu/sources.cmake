# SPDX-License-Identifier: Apache-2.0
target_sources(emberline_core PRIVATE
  src/base/cpu_features.cc
  src/backend/cpu/aligned_floats.cc
  src/backend/cpu/amx_permission.cc
  src/backend/cpu/attention.cc
  src/backend/cpu/convert.cc
  src/backend/cpu/cpu_backend.cc
  src/backend/cpu/isa.cc
  src/backend/cpu/kernels_portable.cc
  src/backend/cpu/linear_f32.cc
  src/backend/cpu/weight_memory.cc
)
# -fno-math-errno: a square root is one instruction, not a call that may set errno.
set(kernel_flags -O3 -fno-math-errno)
set_source_files_properties(src/backend/cpu/kernels_portable.cc PROPERTIES COMPILE_OPTIONS "${kernel_flags}")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  target_sources(emberline_core PRIVATE
    src/backend/cpu/kernels_amx.cc
    src/backend/cpu/kernels_avx2.cc
    src/backend/cpu/kernels_avx512.cc
  )
  set_source_files_properties(src/backend/cpu/kernels_avx2.cc PROPERTIES
    COMPILE_OPTIONS "${kernel_flags};-mavx2;-mfma")
  set(avx512_flags ${kernel_flags} -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 warns inside its own avx512fintrin.h.
    list(APPEND avx512_flags -Wno-maybe-uninitialized -Wno-uninitialized)
  endif()
  set_source_files_properties(src/backend/cpu/kernels_avx512.cc PROPERTIES COMPILE_OPTIONS "${avx512_flags}")
  set_source_files_properties(src/backend/cpu/kernels_amx.cc PROPERTIES
    COMPILE_OPTIONS "${avx512_flags};-mavx512bf16;-mamx-tile;-mamx-bf16;-mamx-int8")
else()
  target_sources(emberline_core PRIVATE src/backend/cpu/kernels_not_x86.cc)
endif()

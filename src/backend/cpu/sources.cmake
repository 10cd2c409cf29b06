# SPDX-License-Identifier: Apache-2.0
emb_sources(backend 2
  src/backend/cpu/aligned_floats.cc
  src/backend/cpu/amx_permission.cc
  src/backend/cpu/attention.cc
  src/backend/cpu/cpu_backend.cc
  src/backend/cpu/cpu_stream.cc
  src/backend/cpu/distance_scores.cc
  src/backend/cpu/distance_tiles.cc
  src/backend/cpu/isa.cc
  src/backend/cpu/linear_f32.cc
  src/backend/cpu/linear_low.cc
  src/backend/cpu/linear_parts.cc
  src/backend/cpu/routes.cc
  src/backend/cpu/stream_f32.cc
  src/backend/cpu/stream_low.cc
  src/backend/cpu/weight_memory.cc
)
# Each kernels file has flags of its own: a processor may have one extension and lack another.
# -fno-math-errno: a square root is one instruction, not a call that may set errno.
set(every_kernel -O3 -fno-math-errno)
if(EMB_SANITIZE)
  # Checks of each pointer that is formed make tiles ten times as slow; of a bad one ASan tells where it is read.
  list(APPEND every_kernel -fno-sanitize=null,object-size,alignment,pointer-overflow)
endif()
function(emb_kernels name)
  target_sources(emberline_core PRIVATE src/backend/cpu/kernels_${name}.cc)
  set_source_files_properties(src/backend/cpu/kernels_${name}.cc PROPERTIES
    COMPILE_OPTIONS "${every_kernel};${ARGN}")
endfunction()
emb_kernels(portable)
emb_kernels(portable_bf16)
emb_kernels(portable_int8)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(avx2_flags -mavx2 -mfma)
  set(avx512_flags ${avx2_flags} -mavx512f -mavx512bw -mavx512dq -mavx512vl)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 warns inside its own avx512fintrin.h.
    list(APPEND avx512_flags -Wno-maybe-uninitialized -Wno-uninitialized)
  endif()
  emb_kernels(avx2 ${avx2_flags})
  emb_kernels(avx2_int8 ${avx2_flags})
  emb_kernels(avxvnni_int8 ${avx2_flags} -mavxvnni)
  emb_kernels(avx512 ${avx512_flags})
  emb_kernels(avx512_bf16 ${avx512_flags} -mavx512bf16)
  emb_kernels(avx512_int8 ${avx512_flags} -mavx512vnni)
  emb_kernels(amx ${avx512_flags} -mavx512bf16 -mavx512vbmi -mamx-tile -mamx-bf16 -mamx-int8)
  target_sources(emberline_core PRIVATE src/backend/cpu/peak_probe.cc)
else()
  target_sources(emberline_core PRIVATE src/backend/cpu/kernels_not_x86.cc src/backend/cpu/peak_probe_not_x86.cc)
endif()

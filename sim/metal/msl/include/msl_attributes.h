// What the words of Metal's dialect become in plain C++ for clang. The source reaches the compiler
// with [[name(value)]] written as _Mname(value) (translate.cpp), so that columns stay what they
// were; attributes travel on as annotations, which clang keeps in the bitcode (lower.cpp reads
// them). Address spaces are those that clang knows for SYCL: kinds of pointer of their own, all of
// which convert to a plain pointer.
#pragma once

#define __METAL__ 1
#define __METAL_MACOS__ 1
#define __HAVE_BFLOAT__ 1
#define __HAVE_SIMDGROUP_MATRIX__ 1
#define __HAVE_ATOMIC_FLOAT__ 1

#define device __attribute__((opencl_global))
#define constant const __attribute__((opencl_global_host))
#define threadgroup __attribute__((opencl_local))
#define thread
#define kernel __attribute__((annotate("msl.kernel")))
// Variables of these spaces inside a function; translate.cpp tells them from pointers.
#define _Mthreadgrp static __attribute__((opencl_local, annotate("msl.threadgroup")))
#define _Mconst_ static const __attribute__((opencl_global_host))

#define _Mkernel kernel
#define _Mhost_name(name) __attribute__((annotate("msl.host_name", name)))
#define _Mmax_total_threads_per_threadgroup(n) __attribute__((annotate("msl.max_threads", n)))
#define _Mbuffer(n) __attribute__((annotate("msl.index", n)))
#define _Mthreadgroup(n) __attribute__((annotate("msl.index", n)))
#define _Mid(n)
#define _Mfunction_constant(n) \
  __attribute__((annotate("msl.function_constant", n))) = ::metal::__function_constant<n>()
#define _Mwhen(condition) __attribute__((annotate("msl.when", &condition)))
#define is_function_constant_defined(name) ::metal::__is_defined(&name)

#define __MSL_BUILT_IN(name) __attribute__((annotate("msl.builtin", #name)))
#define _Mthread_position_in_grid __MSL_BUILT_IN(thread_position_in_grid)
#define _Mthreadgroup_position_in_grid __MSL_BUILT_IN(threadgroup_position_in_grid)
#define _Mthread_position_in_threadgroup __MSL_BUILT_IN(thread_position_in_threadgroup)
#define _Mthread_index_in_threadgroup __MSL_BUILT_IN(thread_index_in_threadgroup)
#define _Mthread_index_in_simdgroup __MSL_BUILT_IN(thread_index_in_simdgroup)
#define _Msimdgroup_index_in_threadgroup __MSL_BUILT_IN(simdgroup_index_in_threadgroup)
#define _Mthreads_per_grid __MSL_BUILT_IN(threads_per_grid)
#define _Mgrid_size __MSL_BUILT_IN(threads_per_grid)
#define _Mthreads_per_threadgroup __MSL_BUILT_IN(threads_per_threadgroup)
#define _Mdispatch_threads_per_threadgroup __MSL_BUILT_IN(dispatch_threads_per_threadgroup)
#define _Mthreadgroups_per_grid __MSL_BUILT_IN(threadgroups_per_grid)
#define _Msimdgroups_per_threadgroup __MSL_BUILT_IN(simdgroups_per_threadgroup)
#define _Mthreads_per_simdgroup __MSL_BUILT_IN(threads_per_simdgroup)
#define _Mthread_execution_width __MSL_BUILT_IN(threads_per_simdgroup)
#define _Mthread_index_in_quadgroup __MSL_BUILT_IN(thread_index_in_quadgroup)
#define _Mquadgroup_index_in_threadgroup __MSL_BUILT_IN(quadgroup_index_in_threadgroup)
#define _Mquadgroups_per_threadgroup __MSL_BUILT_IN(quadgroups_per_threadgroup)

#define METAL_FUNC inline __attribute__((always_inline))
#define METAL_CONST_ARG(x)
#define __MSL_INLINE inline __attribute__((always_inline))
// A function of the GPU: its name in AIR. Mathematics depends on its operands alone.
#define __MSL_AIR(name) __asm(name)
#define __MSL_AIR_PURE(name) __asm(name) __attribute__((const))

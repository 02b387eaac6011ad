// The kernel of embedded_test.cpp, compiled from this file's text when the program runs.
#include <metal_stdlib>
using namespace metal;

constant float scale [[function_constant(0)]];

kernel void vector_add(device const float* a [[buffer(0)]], device const float* b [[buffer(1)]],
                       device float* c [[buffer(2)]], uint i [[thread_position_in_grid]]) {
  c[i] = scale * a[i] + b[i];
}

// Two matrices multiplied by Metal Performance Shaders through pewter: queued, read once.
//
//     mps_matmul [DEVICE]      default: metal
#include <pewter/pewter.h>

#include <iostream>

using namespace pewter;

int main(int argc, char** argv) {
  try {
    const Device device(argc > 1 ? argv[1] : "metal");
    Tensor a = randn({64, 64}, {.dtype = f16, .device = device});  // queued, nothing waits
    Tensor b = randn({64, 64}, {.dtype = f16, .device = device}, 1);
    Tensor c = mps::matmul(a, b);  // MPSMatrixMultiplication, or an Error that says why MPS cannot
    std::vector<float> numbers = c.to_vector<float>();  // the one wait
    std::cout << numbers.size() << " numbers, the first " << numbers[0] << "\n";
  } catch (const Error& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
}

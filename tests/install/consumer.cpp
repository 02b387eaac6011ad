// Multiplies by the identity and fails unless the numbers come back.
#include <pewter/pewter.h>

int main() {
  using namespace pewter;
  const Tensor x = randn({4, 4});
  const std::vector<float> eye = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
  return matmul(x, from_values(eye, {4, 4})).to_vector<float>() == x.to_vector<float>() ? 0 : 1;
}

// Tensors between the form in which files hold them and a device.
#pragma once

#include <string>

#include "io/host_tensor.h"
#include "pewter/ops.h"

namespace pewter {

// In f32, whatever the file has.
Tensor upload_f32(const io::HostTensor& host, Device device);

// The tensor's own memory where the host can read it, which the result keeps alive.
io::HostTensor to_host(std::string name, const Tensor& t);

}  // namespace pewter

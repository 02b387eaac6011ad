// Everything: the Objective-C runtime, Foundation, Metal and Metal Performance Shaders, from C++
// alone.
//
//     using namespace apple;
//     objc::Runtime::load();                          // or load("libmetal_sim.so") where no Mac is
//     const mtl::Device device = mtl::system_default_device();
//     const mtl::CommandQueue queue = device.new_command_queue();
//
// Nothing is linked, so the header works on a machine that has none of it, up to the exception.
#pragma once

#include <mps/mps_functions.h>
#include <mps/mps_kernels.h>
#include <mps/mps_ndarray.h>
#include <mps/mps_neurons.h>

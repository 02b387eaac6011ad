// The mechanics of the bindings on a fake runtime: who owns what, which pool is open, what a call
// passes.
#include <gtest/gtest.h>
#include <mps/mps.h>

#include "mps/fake_objc.h"

namespace apple {
namespace {

class Handles : public testing::Test {
 protected:
  Handles() { objc::Runtime::load(PEWTER_FAKE_OBJC); }
  void SetUp() override {
    before_ = fake_state().live_objects;
    device_ = mtl::system_default_device();
  }
  // Every test ends with nothing alive and nothing leaked for want of a pool.
  void TearDown() override {
    device_ = {};
    EXPECT_EQ(fake_state().live_objects, before_);
    EXPECT_EQ(fake_state().live_blocks, 0);
    EXPECT_EQ(fake_state().without_pool, 0);
  }
  int live() const { return fake_state().live_objects - before_ - 1; }  // beside the device

  mtl::Device device_;
  int before_ = 0;
};

TEST_F(Handles, NewHandsOverItsReference) {
  {
    const mtl::CommandQueue queue = device_.new_command_queue();
    EXPECT_EQ(live(), 1);
  }
  EXPECT_EQ(live(), 0);
}

TEST_F(Handles, AutoreleasedResultsOutliveTheirPool) {
  const mtl::CommandQueue queue = device_.new_command_queue();
  {
    const mtl::CommandBuffer buffer = queue.command_buffer();
    EXPECT_EQ(live(), 2);
    EXPECT_EQ(buffer.gpu_start_time(), 1.25);
  }
  EXPECT_EQ(live(), 1);
}

TEST_F(Handles, CopiesAndMovesCount) {
  mtl::Buffer a = device_.new_buffer(16, mtl::ResourceOptions::storage_mode_shared);
  mtl::Buffer b = a;
  mtl::Buffer c = std::move(a);
  EXPECT_EQ(live(), 1);
  EXPECT_FALSE(a);
  EXPECT_TRUE(b == c);
  b = {};
  EXPECT_EQ(live(), 1);
  c = device_.new_buffer(32, mtl::ResourceOptions::storage_mode_private);
  EXPECT_EQ(live(), 1);
  EXPECT_EQ(fake_state().last, (std::vector<double>{32, 0x20}));
}

TEST_F(Handles, InitTakesOverWhatAllocMade) {
  const mps::MatrixLogSoftMax kernel(device_);
  EXPECT_EQ(live(), 1);
  EXPECT_EQ(fake_state().last_object, device_.id());
}

TEST_F(Handles, FactoriesAreRetained) {
  const mps::MatrixDescriptor descriptor(4, 8, 32, mps::DataType::float32);
  EXPECT_EQ(live(), 1);
  EXPECT_EQ(fake_state().last, (std::vector<double>{4, 8, 32, 268435488}));
}

TEST_F(Handles, ArgumentsArriveInRegistersAndOnTheStack) {
  const mps::MatrixMultiplication product(device_, true, false, 3, 5, 7, 0.5, -2.0);
  EXPECT_EQ(fake_state().last_object, device_.id());
  EXPECT_EQ(fake_state().last, (std::vector<double>{1, 0, 3, 5, 7, 0.5, -2}));
  product.set_left_matrix_origin({9, 10, 11});  // 24 bytes, by value
  const mtl::Origin origin = product.left_matrix_origin();
  EXPECT_EQ(origin.x, 9u);
  EXPECT_EQ(origin.y, 10u);
  EXPECT_EQ(origin.z, 11u);
}

TEST_F(Handles, ResultsOfEveryKindComeBack) {
  const mtl::Size size = device_.max_threads_per_threadgroup();  // in memory on x86-64
  EXPECT_EQ(size.width, 1024u);
  EXPECT_EQ(size.height, 512u);
  EXPECT_EQ(size.depth, 64u);
  EXPECT_TRUE(device_.has_unified_memory());
  const mps::MatrixNeuron neuron(device_);
  EXPECT_EQ(neuron.neuron_parameter_a(), 0.5f);
  const mps::NDArrayDescriptor array(objc::Made{objc::Runtime::entries().retain(device_.id())});
  const mps::DimensionSlice slice = array.slice_range(40);  // in two registers
  EXPECT_EQ(slice.start, 41u);
  EXPECT_EQ(slice.length, 42u);
  EXPECT_EQ(array.dimension_order()[0], 2);  // in a vector register
}

TEST_F(Handles, FloatsStayFloats) {
  const mps::MatrixNeuron neuron(device_);
  neuron.set_neuron_type(mps::CNNNeuronType::gelu, 0.25f, 0.5f, 2.0f);
  EXPECT_EQ(fake_state().last, (std::vector<double>{15, 0.25, 0.5, 2}));
}

TEST_F(Handles, StructuresOfTwoRegistersArePassed) {
  const mtl::Buffer buffer = device_.new_buffer(64, {});
  const mtl::BlitCommandEncoder encoder(objc::Made{objc::Runtime::entries().retain(device_.id())});
  encoder.fill(buffer, {8, 16}, 0xff);
  EXPECT_EQ(fake_state().last_object, buffer.id());
  EXPECT_EQ(fake_state().last, (std::vector<double>{8, 16, 255}));
}

TEST_F(Handles, OnlyWhatMayAutoreleaseOpensAPool) {
  const mps::MatrixMultiplication product(device_, false, false, 1, 1, 1, 1, 0);
  const int before = fake_state().pushes;
  product.set_left_matrix_origin({});
  product.left_matrix_origin();
  EXPECT_EQ(fake_state().pushes, before);
  const mtl::CommandQueue queue = device_.new_command_queue();
  EXPECT_EQ(fake_state().pushes, before + 1);
}

TEST_F(Handles, SelectorsAreRegisteredOnce) {
  device_.has_unified_memory();
  const int before = fake_state().registrations;
  for (int i = 0; i < 100; ++i) device_.has_unified_memory();
  EXPECT_EQ(fake_state().registrations, before);
}

TEST_F(Handles, StringsGoThereAndBack) {
  const ns::String text("grüße");
  EXPECT_EQ(text.str(), "grüße");
  EXPECT_EQ(ns::String().str(), "");
}

template <class F>
std::string failure(F f) {
  try {
    f();
  } catch (const Failure& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST_F(Handles, NSErrorBecomesAnException) {
  try {
    device_.new_library("flot x;", mtl::CompileOptions());
    FAIL() << "no exception";
  } catch (const Failure& e) {
    EXPECT_STREQ(e.what(),
                 "[MTLDevice newLibraryWithSource:options:error:]: program_source:3: unknown type "
                 "name 'flot'");
    EXPECT_EQ(e.domain(), "MTLLibraryErrorDomain");
    EXPECT_EQ(e.code(), 3);
  }
}

TEST_F(Handles, NilIsAnError) {
  EXPECT_EQ(failure([&] { device_.new_buffer(0, {}); }),
            "[MTLDevice newBufferWithLength:options:] gave nil");
  EXPECT_EQ(failure([&] { mtl::CommandBuffer().commit(); }),
            "[MTLCommandBuffer commit] was sent to nil");
}

TEST_F(Handles, WhatTheSystemLacksIsNamed) {
  EXPECT_EQ(failure([&] { const mps::NDArrayGather gather(device_); }),
            "class MPSNDArrayGather is missing: this system is too old");
  EXPECT_EQ(failure([&] { mps::preferred_device(mps::DeviceOptions::default_); }),
            "MPSGetPreferredDevice is missing: this system is too old or has no Metal");
  EXPECT_FALSE(mps::supports(device_));
  EXPECT_TRUE(device_.responds_to<"newCommandQueue">());
  EXPECT_FALSE(device_.responds_to<"newResidencySetWithDescriptor:error:">());
}

TEST_F(Handles, HandlersRunAndAreFreed) {
  const auto count = std::make_shared<int>(0);
  mtl::CommandBuffer buffer = device_.new_command_queue().command_buffer();
  const objc::Id sent = buffer.id();
  {
    // The receiver keeps the block longer than the caller does.
    const objc::Block<void(mtl::CommandBuffer)> handler(
        [count, sent](const mtl::CommandBuffer& b) { *count += b.id() == sent ? 1 : 100; });
    buffer.add_completed_handler(handler);
    EXPECT_EQ(fake_state().live_blocks, 1);
  }
  EXPECT_EQ(fake_state().live_blocks, 1);
  EXPECT_EQ(count.use_count(), 2);
  buffer.commit();
  EXPECT_EQ(*count, 1);
  EXPECT_EQ(fake_state().live_blocks, 0);
  EXPECT_EQ(count.use_count(), 1);
}

}  // namespace
}  // namespace apple

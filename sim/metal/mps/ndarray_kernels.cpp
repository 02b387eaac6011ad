// The kernels over MPSNDArrays and all names of both.
#include <algorithm>
#include <cstdarg>
#include <vector>

#include "sim/metal/checks.h"
#include "sim/metal/mps/multiplication.h"
#include "sim/metal/mps/ndarray.h"

namespace metal_sim {

SIM_ENCODE(DataType, "I");
SIM_ENCODE(DimensionSlice, "{?=QQ}");

namespace {

bool has_unit_stride(const NDArray& a) {
  return a.lengths.empty() || a.strides[0] == size_of(a.type) ||
         (a.lengths.size() > 1 && a.strides[1] == size_of(a.type));
}

// What the product of the last two dimensions makes of two lengths of a slower one.
size_t broadcast(const MpsKernel& kernel, size_t a, size_t b) {
  if (a != b && a != 1 && b != 1)
    kernel.refuse("MPSNDArrayMatrixMultiplication.mm", 120, "batch dimensions do not match");
  return std::max(a, b);
}

}  // namespace

NDKernel* NDKernel::init_count(Device* d, unsigned long n) {
  init_device(d);
  sources = n;
  return this;
}

void NDProduct::add(CommandBuffer* to, Array* arrays, NDArray* destination) {
  const char* file = "MPSNDArrayMatrixMultiplication.mm";
  if (!arrays || arrays->items.size() != sources || !destination)
    refuse(file, 100, "wrong number of source arrays");
  std::vector<NDArray*> all;
  for (const Ref<Object>& o : arrays->items) all.push_back(static_cast<NDArray*>(o.get()));
  NDArray *a = all[0], *b = all[1], *c = sources > 2 ? all[2] : nullptr;
  if (a->length(0) != b->length(1))
    refuse(file, 110, "Interior dimensions of the product do not match");
  if (destination->length(0) != b->length(0) || destination->length(1) != a->length(1))
    refuse(file, 114, "Destination has the wrong size");
  for (NDArray* o : {a, b, destination}) {
    if (!is_float(o->type) && o->type != DataType::bfloat16)
      refuse(file, 116, "Data types must be floating point");
    if (!has_unit_stride(*o))
      refuse(file, 118, "one of the two fastest dimensions must be contiguous");
    to->kept.emplace_back(o);
  }
  to->writes(destination->buffer.get());
  if (c) to->kept.emplace_back(c);
  const size_t third = broadcast(*this, a->length(2), b->length(2)),
               fourth = broadcast(*this, a->length(3), b->length(3));
  for (size_t j = 0; j < fourth; ++j) {
    for (size_t i = 0; i < third; ++i) {
      Product p;
      p.a = a->matrix(i, j);
      p.b = b->matrix(i, j);
      p.c = destination->matrix(i, j);
      p.m = a->length(1);
      p.n = b->length(0);
      p.k = a->length(0);
      p.alpha = alpha;
      to->encode([p, addend = c ? c->matrix(i, j) : View{}, scale = beta]() -> Result {
        run_product(p);
        for (size_t r = 0; addend && r < p.m; ++r) {
          for (size_t q = 0; q < p.n; ++q) {
            const double value = addend.get(addend.rows == 1 ? 0 : r, addend.columns == 1 ? 0 : q);
            p.c.set(r, q, p.c.get(r, q) + scale * value);
          }
        }
        return {};
      });
    }
  }
}

NDArray* NDProduct::encode(id command_buffer, Array* arrays) {
  auto* a = static_cast<NDArray*>(arrays->object_at(0));
  auto* b = static_cast<NDArray*>(arrays->object_at(1));
  const unsigned long sizes[] = {b->length(0), a->length(1),
                                 broadcast(*this, a->length(2), b->length(2)),
                                 broadcast(*this, a->length(3), b->length(3))};
  auto d = Ref<NDDescriptor>::adopt(
      make<NDDescriptor>()->init_sizes(a->type, std::max(a->count(), b->count()), sizes));
  auto* result =
      static_cast<NDArray*>(autorelease(make<NDArray>()->init_device(device.get(), d.get())));
  encode_to(command_buffer, arrays, result);
  return result;
}
void NDProduct::encode_to(id command_buffer, Array* arrays, NDArray* destination) {
  add(target(command_buffer), arrays, destination);
}
void NDProduct::encode_in(ComputeEncoder* encoder, id command_buffer, Array* arrays,
                          NDArray* destination) {
  encoder->check_not_ended(
      "-[MPSNDArrayMultiaryKernel "
      "encodeToCommandEncoder:commandBuffer:sourceArrays:destinationArray:]");
  count(counters.mps_encodes);
  add(command_buffer_of(command_buffer), arrays, destination);
}

NDArray* NDIdentity::reshape_sizes(id command_buffer, NDArray* source, unsigned long n,
                                   const unsigned long* sizes, NDArray* destination) {
  CommandBuffer* to = target(command_buffer);
  if (!destination) {
    auto d = Ref<NDDescriptor>::adopt(make<NDDescriptor>()->init_sizes(source->type, n, sizes));
    destination =
        static_cast<NDArray*>(autorelease(make<NDArray>()->init_device(device.get(), d.get())));
  }
  size_t before = 1, after = 1;
  for (size_t l : source->lengths) before *= l;
  for (size_t l : destination->lengths) after *= l;
  if (before != after || destination->type != source->type)
    refuse("MPSNDArrayIdentity.mm", 100, "reshape changes the number of elements or their type");
  to->kept.emplace_back(source);
  to->kept.emplace_back(destination);
  to->writes(destination->buffer.get());
  to->encode([=]() -> Result {
    std::vector<std::byte> packed(before * source->element_size());
    source->read_bytes(packed.data(), nullptr);
    destination->write_bytes(packed.data(), nullptr);
    return {};
  });
  return destination;
}
NDArray* NDIdentity::reshape_shape(id command_buffer, NDArray* source, Array* shape,
                                   NDArray* destination) {
  std::vector<unsigned long> sizes;
  for (size_t i = shape->items.size(); i-- > 0;)
    sizes.push_back(static_cast<Number*>(shape->object_at(i))->get<unsigned long>());
  return reshape_sizes(command_buffer, source, sizes.size(), sizes.data(), destination);
}

namespace {

// descriptorWithDataType:dimensionSizes: takes sizes up to a zero.
id with_sizes(Class cls, SEL, DataType type, unsigned long first, ...) {
  std::vector<unsigned long> sizes;
  va_list arguments;
  va_start(arguments, first);
  for (unsigned long n = first; n; n = va_arg(arguments, unsigned long)) sizes.push_back(n);
  va_end(arguments);
  auto* d = static_cast<NDDescriptor*>(Object::alloc(cls));
  return autorelease(d->init_sizes(type, sizes.size(), sizes.data()));
}

void register_arrays() {
  using D = NDDescriptor;
  Cls<D>(Object::kClass)
      .factory<&D::init_sizes>("descriptorWithDataType:dimensionCount:dimensionSizes:")
      .factory<&D::init_shape>("descriptorWithDataType:shape:")
      .raw_class_method(
          "descriptorWithDataType:dimensionSizes:", reinterpret_cast<IMP>(&with_sizes), "@@:IQ")
      .method<&D::length>("lengthOfDimension:")
      .method<&D::slice_range>("sliceRangeForDimension:")
      .method<&D::slice>("sliceDimension:withSubrange:")
      .method<&D::transpose>("transposeDimension:withDimension:")
      .method<&D::permute>("permuteWithDimensionOrder:")
      .method<&D::shape>("getShape")
      .method<&D::reshape_sizes>("reshapeWithDimensionCount:dimensionSizes:")
      .method<&D::reshape_shape>("reshapeWithShape:")
      .property<&D::type>("dataType")
      .method<&D::count>("numberOfDimensions")
      .method<&D::set_count>("setNumberOfDimensions:")
      .property<&D::packed>("preferPackedRows")
      .method<&D::copy_with_zone>("copyWithZone:");
  using A = NDArray;
  Cls<A>(Object::kClass)
      .method<&A::init_device>("initWithDevice:descriptor:")
      .method<&A::init_scalar>("initWithDevice:scalar:")
      .method<&A::init_buffer>("initWithBuffer:offset:descriptor:")
      .method<&A::length>("lengthOfDimension:")
      .method<&A::descriptor>("descriptor")
      .method<&A::user_buffer>("userBuffer")
      .method<&A::resource_size>("resourceSize")
      .method<&A::element_size>("dataTypeSize")
      .method<&A::count>("numberOfDimensions")
      .method<&A::parent>("parent")
      .read_only<&A::type>("dataType")
      .read_only<&A::device>("device")
      .property<&A::label>("label")
      .method<&A::view>("arrayViewWithDescriptor:")
      .method<&A::view_on>("arrayViewWithCommandBuffer:descriptor:aliasing:")
      .method<&A::view_sizes>("arrayViewWithDimensionCount:dimensionSizes:strides:")
      .method<&A::view_shape>("arrayViewWithShape:strides:")
      .method<&A::export_data>(
          "exportDataWithCommandBuffer:toBuffer:destinationDataType:offset:rowStrides:")
      .method<&A::import_data>(
          "importDataWithCommandBuffer:fromBuffer:sourceDataType:offset:rowStrides:")
      .method<&A::read_bytes>("readBytes:strideBytes:")
      .method<&A::write_bytes>("writeBytes:strideBytes:")
      .method<&A::synchronize>("synchronizeOnCommandBuffer:");
  Cls<TemporaryNDArray>(A::kClass)
      .class_method<&TemporaryNDArray::make_on>("temporaryNDArrayWithCommandBuffer:descriptor:")
      .property<&TemporaryNDArray::read_count>("readCount");
}

}  // namespace

void register_ndarrays() {
  register_arrays();
  kernel_class<NDKernel>(MpsKernel::kClass)
      .method<&NDKernel::init_count>("initWithDevice:sourceCount:");
  kernel_class<NDProduct>(NDKernel::kClass)
      .property<&NDProduct::alpha>("alpha")
      .property<&NDProduct::beta>("beta")
      .method<&NDProduct::encode>("encodeToCommandBuffer:sourceArrays:")
      .method<&NDProduct::encode_to>("encodeToCommandBuffer:sourceArrays:destinationArray:")
      .method<&NDProduct::encode_in>(
          "encodeToCommandEncoder:commandBuffer:sourceArrays:destinationArray:");
  kernel_class<NDIdentity>(NDKernel::kClass)
      .method<&NDIdentity::reshape_shape>(
          "reshapeWithCommandBuffer:sourceArray:shape:destinationArray:")
      .method<&NDIdentity::reshape_sizes>(
          "reshapeWithCommandBuffer:sourceArray:dimensionCount:dimensionSizes:destinationArray:");
}

}  // namespace metal_sim

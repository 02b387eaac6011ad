#include "sim/metal/mps/ndarray.h"

#include <algorithm>
#include <functional>

#include "sim/metal/checks.h"

namespace metal_sim {
namespace {

[[noreturn]] void refuse(int line, const std::string& text) {
  failed_assertion("/AppleInternal/Library/MPSNDArray.mm:" + std::to_string(line), text);
}

std::vector<unsigned long> numbers(Array* shape) {
  std::vector<unsigned long> all;
  for (const Ref<Object>& o : shape->items)
    all.push_back(static_cast<Number*>(o.get())->get<unsigned long>());
  return all;
}
std::vector<unsigned long> fastest_first(Array* shape) {
  auto all = numbers(shape);
  std::reverse(all.begin(), all.end());
  return all;
}

// Every index of `lengths`, the fastest dimension first.
void for_each_index(const std::vector<size_t>& lengths,
                    const std::function<void(const std::vector<size_t>&)>& visit) {
  std::vector<size_t> index(lengths.size());
  if (std::find(lengths.begin(), lengths.end(), size_t{0}) != lengths.end()) return;
  for (;;) {
    visit(index);
    size_t d = 0;
    while (d < lengths.size() && ++index[d] == lengths[d]) index[d++] = 0;
    if (d == lengths.size()) return;
  }
}

// Strides as a caller gives them (bytes, one a dimension), or packed.
std::vector<size_t> strides_of(const std::vector<size_t>& lengths, size_t element,
                               const long* given) {
  std::vector<size_t> strides;
  for (size_t d = 0; d < lengths.size(); ++d) {
    if (given) {
      strides.push_back(static_cast<size_t>(given[d]));
    } else {
      strides.push_back(d == 0 ? element : strides[d - 1] * lengths[d - 1]);
    }
  }
  return strides;
}

struct Transfer {
  NDArray* array;  // kept by the command buffer, or alive during the call
  std::byte* memory;
  DataType type;
  std::vector<size_t> strides;
  bool to_array;
};

void run_transfer(const Transfer& t) {
  for_each_index(t.array->lengths, [&](const std::vector<size_t>& index) {
    std::byte* other = t.memory;
    for (size_t d = 0; d < index.size(); ++d) other += index[d] * t.strides[d];
    if (t.to_array) {
      store_element(t.array->type, t.array->at(index), load_element(t.type, other));
    } else {
      store_element(t.type, other, load_element(t.array->type, t.array->at(index)));
    }
  });
}

}  // namespace

NDDescriptor* NDDescriptor::init_sizes(DataType t, unsigned long n, const unsigned long* sizes) {
  type = t;
  reshape_sizes(n, sizes);
  return this;
}
NDDescriptor* NDDescriptor::init_shape(DataType t, Array* shape) {
  type = t;
  reshape_shape(shape);
  return this;
}
void NDDescriptor::reshape_sizes(unsigned long n, const unsigned long* sizes) {
  if (n > 16) refuse(300, "Error: number of dimensions must be <= 16");
  dimensions.clear();
  double product = 1;
  for (unsigned long d = 0; d < n; ++d) {
    dimensions.push_back({d, 0, sizes[d]});
    product *= static_cast<double>(sizes[d]);
  }
  if (product > 0x1p31) refuse(310, "Error: product of dimension sizes > 2**31");
}
void NDDescriptor::reshape_shape(Array* shape) {
  const auto sizes = fastest_first(shape);
  reshape_sizes(sizes.size(), sizes.data());
}
unsigned long NDDescriptor::length(unsigned long d) const {
  return d < dimensions.size() ? dimensions[d].length : 1;
}
DimensionSlice NDDescriptor::slice_range(unsigned long d) const {
  return d < dimensions.size() ? DimensionSlice{dimensions[d].start, dimensions[d].length}
                               : DimensionSlice{0, 1};
}
void NDDescriptor::slice(unsigned long d, DimensionSlice part) {
  Dimension& dimension = dimensions.at(d);
  if (part.start + part.length > dimension.length)
    refuse(320, "Error: slice is outside of the dimension");
  dimension.start += part.start;
  dimension.length = part.length;
}
void NDDescriptor::transpose(unsigned long a, unsigned long b) {
  std::swap(dimensions.at(a), dimensions.at(b));
}
void NDDescriptor::permute(const unsigned long* order) {
  const auto before = dimensions;
  for (size_t d = 0; d < before.size(); ++d) dimensions[d] = before.at(order[d]);
}
Array* NDDescriptor::shape() const {
  std::vector<Ref<Object>> all;
  for (size_t d = dimensions.size(); d-- > 0;) all.emplace_back(number(dimensions[d].length));
  return array(std::move(all));
}
unsigned long NDDescriptor::count() const { return dimensions.size(); }
void NDDescriptor::set_count(unsigned long n) {
  while (dimensions.size() < n) dimensions.push_back({dimensions.size(), 0, 1});
  dimensions.resize(n);
}
id NDDescriptor::copy_with_zone(void*) {
  auto* copy = make<NDDescriptor>();
  *copy = *this;
  return copy;
}

void NDArray::lay_out(NDDescriptor* d) {
  if (!d) refuse(800, "Error: descriptor may not be nil");
  type = d->type;
  for (const auto& dimension : d->dimensions) lengths.push_back(dimension.length);
  const size_t row = (lengths.empty() ? 1 : lengths[0]) * size_of(type);
  size_t stride = d->packed ? row : (row + 15) / 16 * 16;
  for (size_t i = 0; i < lengths.size(); ++i) {
    strides.push_back(i == 0 ? size_of(type) : stride);
    if (i > 0) stride *= lengths[i];
  }
  if (static_cast<double>(bytes()) > 0x1p32) refuse(310, "Error: total bytes of NDArray > 2**32");
}
size_t NDArray::bytes() const {
  size_t n = size_of(type);
  for (size_t d = 0; d < lengths.size(); ++d) n += lengths[d] ? (lengths[d] - 1) * strides[d] : 0;
  return n;
}

NDArray* NDArray::init_device(Device* d, NDDescriptor* descriptor) {
  device = Ref<Device>(d);
  lay_out(descriptor);
  buffer = Ref<Buffer>::adopt(d->new_buffer(std::max<size_t>(bytes(), 16), 0));
  return this;
}
NDArray* NDArray::init_scalar(Device* d, double value) {
  const unsigned long one = 1;
  auto descriptor =
      Ref<NDDescriptor>::adopt(make<NDDescriptor>()->init_sizes(DataType::float32, 1, &one));
  init_device(d, descriptor.get());
  store_element(type, buffer->memory, value);
  return this;
}
NDArray* NDArray::init_buffer(Buffer* b, unsigned long at, NDDescriptor* descriptor) {
  if (!b) refuse(880, "[MPSNDArray initWithBuffer:offset:descriptor:] buffer may not be nil.");
  device = b->device;
  lay_out(descriptor);
  const bool empty = std::find(lengths.begin(), lengths.end(), size_t{0}) != lengths.end();
  if (empty || at > b->size || bytes() > b->size - at) {
    refuse(891,
           "[MPSNDArray, initWithBufferImpl:offset:descriptor:isForNDArrayAlias:isUserBuffer:] "
           "Error: buffer is not "
           "large enough. Must be " +
               std::to_string(bytes() + at) + " bytes");
  }
  buffer = Ref<Buffer>(b);
  offset = at;
  users = true;
  return this;
}
unsigned long NDArray::length(unsigned long d) const { return d < lengths.size() ? lengths[d] : 1; }
NDDescriptor* NDArray::descriptor() const {
  auto* d = make<NDDescriptor>();
  const std::vector<unsigned long> sizes(lengths.begin(), lengths.end());
  return static_cast<NDDescriptor*>(autorelease(d->init_sizes(type, sizes.size(), sizes.data())));
}
Buffer* NDArray::user_buffer() const { return users ? buffer.get() : nullptr; }
unsigned long NDArray::resource_size() const { return users ? 0 : buffer->size; }
unsigned long NDArray::element_size() const { return size_of(type); }
unsigned long NDArray::count() const { return lengths.size(); }
NDArray* NDArray::parent() const { return parent_array.get(); }

NDArray* NDArray::view(NDDescriptor* d) {
  auto v = make_ref<NDArray>();
  v->device = device;
  v->buffer = buffer;
  v->parent_array = Ref<NDArray>(this);
  v->type = d->type;
  v->offset = offset;
  for (const auto& dimension : d->dimensions) {
    const size_t stride = dimension.source < strides.size() ? strides[dimension.source] : 0;
    v->lengths.push_back(dimension.length);
    v->strides.push_back(stride);
    v->offset += dimension.start * stride;
  }
  return v.autoreleased();
}
NDArray* NDArray::view_on(id command_buffer, NDDescriptor* d, unsigned long) {
  NDArray* v = view(d);
  command_buffer_of(command_buffer)->kept.emplace_back(v);
  return v;
}
NDArray* NDArray::view_sizes(unsigned long n, const unsigned long* sizes,
                             const unsigned long* element_strides) {
  auto v = make_ref<NDArray>();
  v->device = device;
  v->buffer = buffer;
  v->parent_array = Ref<NDArray>(this);
  v->type = type;
  v->offset = offset;
  for (unsigned long d = 0; d < n; ++d) {
    v->lengths.push_back(sizes[d]);
    v->strides.push_back(element_strides[d] * size_of(type));
  }
  if (v->offset + v->bytes() > buffer->size) return nullptr;
  return v.autoreleased();
}
NDArray* NDArray::view_shape(Array* shape, Array* element_strides) {
  const auto sizes = fastest_first(shape), steps = fastest_first(element_strides);
  return view_sizes(sizes.size(), sizes.data(), steps.data());
}

std::byte* NDArray::at(const std::vector<size_t>& index) const {
  std::byte* p = buffer->memory + offset;
  for (size_t d = 0; d < index.size(); ++d) p += index[d] * strides[d];
  return p;
}

View NDArray::matrix(size_t third, size_t fourth) const {
  View v;
  v.type = type;
  v.rows = length(1);
  v.columns = length(0);
  v.data = buffer->memory + offset;
  if (length(2) > 1) v.data += third * strides[2];
  if (length(3) > 1) v.data += fourth * strides[3];
  v.row_bytes = lengths.size() > 1 ? strides[1] : v.columns * size_of(type);
  v.transposed = lengths.size() > 1 && strides[0] != size_of(type) && strides[1] == size_of(type);
  if (v.transposed) v.row_bytes = strides[0];
  return v;
}

void NDArray::export_data(id command_buffer, Buffer* to, DataType t, unsigned long at,
                          const long* given) {
  CommandBuffer* target = command_buffer_of(command_buffer);
  target->check_open("-[IOGPUMetalCommandBuffer setCurrentCommandEncoder:]");
  target->kept.emplace_back(this);
  target->keep(to);
  target->writes(to);
  const Transfer transfer{this, to->memory + at, t, strides_of(lengths, size_of(t), given), false};
  target->encode([transfer]() -> Result {
    run_transfer(transfer);
    return {};
  });
}
void NDArray::import_data(id command_buffer, Buffer* from, DataType t, unsigned long at,
                          const long* given) {
  CommandBuffer* target = command_buffer_of(command_buffer);
  target->check_open("-[IOGPUMetalCommandBuffer setCurrentCommandEncoder:]");
  target->kept.emplace_back(this);
  target->keep(from);
  const Transfer transfer{this, from->memory + at, t, strides_of(lengths, size_of(t), given), true};
  target->encode([transfer]() -> Result {
    run_transfer(transfer);
    return {};
  });
}
void NDArray::read_bytes(void* to, const long* given) {
  run_transfer(
      {this, static_cast<std::byte*>(to), type, strides_of(lengths, size_of(type), given), false});
}
void NDArray::write_bytes(const void* from, const long* given) {
  auto* memory = static_cast<std::byte*>(const_cast<void*>(from));
  run_transfer({this, memory, type, strides_of(lengths, size_of(type), given), true});
}
void NDArray::synchronize(id) {}

id TemporaryNDArray::make_on(Class, id command_buffer, NDDescriptor* d) {
  CommandBuffer* target = command_buffer_of(command_buffer);
  auto a = make_ref<TemporaryNDArray>();
  a->init_device(target->device(), d);
  target->kept.emplace_back(a.get());
  return a.get();
}

}  // namespace metal_sim

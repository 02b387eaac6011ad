#include "sim/metal/mps/select.h"

#include <algorithm>
#include <numeric>

#include "ops/random/philox.h"

namespace metal_sim {

FindTopK* FindTopK::init_k(Device* d, unsigned long n) {
  init_device(d);
  k = n;
  return this;
}

void FindTopK::encode(id command_buffer, Matrix* input, Matrix* indices, Matrix* values) {
  CommandBuffer* to = target(command_buffer);
  const char* file = "MPSMatrixFindTopK.mm";
  const size_t rows = input ? clamp(source_rows, input->rows, source_origin.x) : 0;
  const size_t columns = input ? clamp(source_columns, input->columns, source_origin.y) : 0;
  if (validates()) {
    if (!input || !indices || !values)
      refuse(file, 100, "inputMatrix, resultIndexMatrix and resultValueMatrix may not be nil.");
    if (k == 0 || k > 16) refuse(file, 110, "numberOfTopKValues must be in the range 1 to 16.");
    if (k > columns) refuse(file, 112, "numberOfTopKValues exceeds the number of source columns.");
    if (indices->type != DataType::uint32)
      refuse(file, 114, "Index matrix data type must be MPSDataTypeUInt32.");
    if (!is_float(input->type) || values->type != input->type)
      refuse(file, 116,
             "Data types must be equal and one of MPSDataTypeFloat32 or MPSDataTypeFloat16.");
    for (Matrix* m : {indices, values}) {
      if (result_origin.x + rows > m->rows || result_origin.y + k > m->columns)
        refuse(file, 118, "Result matrix is too small.");
    }
  }
  reads(to, input);
  writes(to, indices);
  writes(to, values);
  const size_t n =
      batch_count(batch_start, batch_size, {input->matrices, indices->matrices, values->matrices});
  for (size_t i = batch_start; i < batch_start + n; ++i) {
    const View x = input->view(i, source_origin.x, source_origin.y);
    const View at = indices->view(i, result_origin.x, result_origin.y),
               top = values->view(i, result_origin.x, result_origin.y);
    to->encode([=, wanted = k, first = index_offset]() -> Result {
      std::vector<size_t> order(columns);
      for (size_t r = 0; r < rows; ++r) {
        std::iota(order.begin(), order.end(), size_t{0});
        std::stable_sort(order.begin(), order.end(),
                         [&](size_t a, size_t b) { return x.get(r, a) > x.get(r, b); });
        for (size_t j = 0; j < wanted; ++j) {
          at.set(r, j, static_cast<double>(order[j] + first));
          top.set(r, j, x.get(r, order[j]));
        }
      }
      return {};
    });
  }
}

CopyDescriptor* CopyDescriptor::init_one(Matrix* from, Matrix* to, CopyOffsets offsets) {
  items.push_back({Ref<Matrix>(from), Ref<Matrix>(to), offsets});
  return this;
}
CopyDescriptor* CopyDescriptor::init_count(Device*, unsigned long count) {
  items.resize(count);
  return this;
}
CopyDescriptor* CopyDescriptor::init_many(Array* from, Array* to, Vector* offsets,
                                          unsigned long offset) {
  for (size_t i = 0; i < std::min(from->items.size(), to->items.size()); ++i) {
    init_one(static_cast<Matrix*>(from->object_at(i)), static_cast<Matrix*>(to->object_at(i)), {});
  }
  offset_vector = Ref<Vector>(offsets);
  offset_bytes = offset;
  return this;
}
void CopyDescriptor::set(unsigned long index, Matrix* from, Matrix* to, CopyOffsets offsets) {
  items.at(index) = {Ref<Matrix>(from), Ref<Matrix>(to), offsets};
}

MatrixCopy* MatrixCopy::init_full(Device* d, unsigned long m, unsigned long n, bool sources,
                                  bool destinations) {
  init_device(d);
  rows = m;
  columns = n;
  sources_transposed = sources;
  destinations_transposed = destinations;
  return this;
}
void MatrixCopy::encode(id command_buffer, CopyDescriptor* descriptor) {
  encode_permuted(command_buffer, descriptor, nullptr, 0, nullptr, 0);
}

void MatrixCopy::encode_permuted(id command_buffer, CopyDescriptor* descriptor, Vector* row_indices,
                                 unsigned long row_offset, Vector* column_indices,
                                 unsigned long column_offset) {
  CommandBuffer* to = target(command_buffer);
  if (validates() && !descriptor) refuse("MPSMatrixCopy.mm", 100, "copyDescriptor may not be nil.");
  for (Vector* v : {row_indices, column_indices, descriptor->offset_vector.get()}) reads(to, v);
  const View row_map = row_indices ? row_indices->view(0, row_offset) : View{};
  const View column_map = column_indices ? column_indices->view(0, column_offset) : View{};
  const std::byte* table = descriptor->offset_vector
                               ? descriptor->offset_vector->view(0).data + descriptor->offset_bytes
                               : nullptr;
  for (size_t i = 0; i < descriptor->items.size(); ++i) {
    const CopyDescriptor::Item& item = descriptor->items[i];
    if (!item.from || !item.to)
      refuse("MPSMatrixCopy.mm", 110, "a copy operation has no matrices.");
    reads(to, item.from.get());
    writes(to, item.to.get());
    View from = item.from->view(0), into = item.to->view(0);
    from.transposed = sources_transposed;
    into.transposed = destinations_transposed;
    to->encode([=, given = item.offsets, m = rows, n = columns]() -> Result {
      const CopyOffsets o = table ? load_as<CopyOffsets>(table + i * sizeof(CopyOffsets)) : given;
      for (size_t r = 0; r < m; ++r) {
        const size_t source_row = row_map ? static_cast<size_t>(row_map.get(0, r)) : r;
        for (size_t c = 0; c < n; ++c) {
          const size_t source_column = column_map ? static_cast<size_t>(column_map.get(0, c)) : c;
          std::memcpy(into.at(o.destination_row + r, o.destination_column + c),
                      from.at(o.source_row + source_row, o.source_column + source_column),
                      size_of(from.type));
        }
      }
      return {};
    });
  }
}

Distribution* Distribution::init_default() { return this; }
Distribution* Distribution::init_uniform(float low, float high) {
  type = 2;
  minimum = low;
  maximum = high;
  return this;
}
Distribution* Distribution::init_normal(float m, float d) {
  return init_normal_bounded(m, d, -INFINITY, INFINITY);
}
Distribution* Distribution::init_normal_bounded(float m, float d, float low, float high) {
  type = 3;
  mean = m;
  deviation = d;
  minimum = low;
  maximum = high;
  return this;
}
id Distribution::copy_with_zone(void*) {
  auto* copy = make<Distribution>();
  *copy = *this;
  return copy;
}

Random* Random::init_seed(Device* d, DataType t, unsigned long s) {
  return init_full(d, t, s, nullptr);
}
Random* Random::init_full(Device* d, DataType t, unsigned long s, Distribution* given) {
  init_device(d);
  if (t != DataType::uint32 && t != DataType::float32) {
    refuse("MPSMatrixRandom.mm", 100,
           "destinationDataType must be MPSDataTypeUInt32 or MPSDataTypeFloat32.");
  }
  type = t;
  seed = s;
  if (given) {
    distribution = given->type;
    minimum = given->minimum;
    maximum = given->maximum;
    mean = given->mean;
    deviation = given->deviation;
  }
  return this;
}

void Random::fill(CommandBuffer* to, const View& v, size_t rows, size_t columns) {
  const uint64_t first = drawn;
  drawn += (rows * columns + 3) / 4;
  const Random settings = *this;
  to->encode([=]() -> Result {
    for (size_t at = 0; at < rows * columns; at += 4) {
      const pewter::Philox words =
          pewter::philox_block(settings.seed, settings.stream, first + at / 4);
      float normal[4];
      pewter::box_muller(words[0], words[1], normal[0], normal[1]);
      pewter::box_muller(words[2], words[3], normal[2], normal[3]);
      for (size_t i = 0; i < 4 && at + i < rows * columns; ++i) {
        std::byte* place = v.at((at + i) / columns, (at + i) % columns);
        const float uniform =
            settings.minimum + (settings.maximum - settings.minimum) * pewter::to_unit(words[i]);
        const float drawn_normal = std::clamp(settings.mean + settings.deviation * normal[i],
                                              settings.minimum, settings.maximum);
        if (settings.distribution == 1) {
          store_as(place, words[i]);
        } else {
          store_element(settings.type, place, settings.distribution == 2 ? uniform : drawn_normal);
        }
      }
    }
    return {};
  });
}

void Random::encode_vector(id command_buffer, Vector* destination) {
  CommandBuffer* to = target(command_buffer);
  writes(to, destination);
  const size_t n = batch_count(batch_start, batch_size, {destination->vectors});
  for (size_t i = batch_start; i < batch_start + n; ++i)
    fill(to, destination->view(i), 1, destination->length);
}
void Random::encode_matrix(id command_buffer, Matrix* destination) {
  CommandBuffer* to = target(command_buffer);
  writes(to, destination);
  const size_t n = batch_count(batch_start, batch_size, {destination->matrices});
  for (size_t i = batch_start; i < batch_start + n; ++i)
    fill(to, destination->view(i), destination->rows, destination->columns);
}
void Random::synchronize(id) {}

}  // namespace metal_sim

#include "write_rows.h"

#include "core/view.h"
#include "ops/copy/copy.h"
#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<WriteRowsArgs> kWriteRows{"write_rows", cpu::write_rows, ref::write_rows};

void check_write(const Tensor& out, const Tensor& src, const Tensor& first) {
  check_defined("write_rows", "out", out);
  check_defined("write_rows", "src", src);
  check_defined("write_rows", "first", first);
  check_same_device("write_rows", {out, src, first});
  refuse_quantised(out, "write_rows");
  refuse_quantised(src, "write_rows");
  check_writable("write_rows", out);
  if (first.dtype() != i32) {
    throw_error(ErrorCode::dtype, "[write_rows] first is {}; i32 is needed",
                to_string(first.dtype()));
  }
  Shape expected = out.shape();
  if (out.rank() >= 2 && src.rank() >= 2) expected[1] = src.size(1);
  if (out.rank() < 2 || !(src.shape() == expected)) {
    throw_error(ErrorCode::shape,
                "[write_rows] src {} into out {}, expected [B, T, ...] and "
                "[B, S, ...]",
                src.shape().to_string(), out.shape().to_string());
  }
  check_shape("write_rows", "first", first, {out.size(0)});
}

// Throws unless every row lies in `out`.
void check_first(const WriteRowsArgs& a) {
  for (int64_t b = 0; b < a.batch; ++b) {
    const int64_t first = a.first[b * a.first_stride];
    if (first < 0 || first + a.tokens > a.rows) {
      throw_error(ErrorCode::argument,
                  "[write_rows] rows {} .. {} of batch entry {} are outside "
                  "[0, {})",
                  first, first + a.tokens - 1, b, a.rows);
    }
  }
}

void write_with(void (*copy)(const CopyArgs&), const WriteRowsArgs& a) {
  check_first(a);
  const int64_t src_bytes = info(a.entry.from).block_bytes,
                out_bytes = info(a.entry.to).block_bytes;
  for (int64_t b = 0; b < a.batch; ++b) {
    CopyArgs entry = a.entry;
    entry.x = static_cast<const char*>(entry.x) + b * a.src_batch * src_bytes;
    entry.y = static_cast<char*>(entry.y) +
              (b * a.out_batch + a.first[b * a.first_stride] * a.out_row) * out_bytes;
    copy(entry);
  }
}

}  // namespace

void cpu::write_rows(const WriteRowsArgs& args) { write_with(cpu::copy, args); }
void ref::write_rows(const WriteRowsArgs& args) { write_with(ref::copy, args); }

void write_rows_(const Tensor& out, const Tensor& src, const Tensor& first) {
  check_write(out, src, first);
  if (src.numel() == 0) return;
  const int inner = src.rank() - 1;
  CopyArgs entry{src.data(), out.data(), src.dtype(), out.dtype(), inner, {}, {}, {}};
  for (int d = 0; d < inner; ++d) {
    entry.sizes[d] = src.size(d + 1);
    entry.x_strides[d] = src.strides()[d + 1];
    entry.y_strides[d] = out.strides()[d + 1];
  }
  run(kWriteRows, out.device(),
      {entry, static_cast<const int32_t*>(first.data()), first.strides()[0], out.size(0),
       src.size(1), out.size(1), src.strides()[0], out.strides()[0], out.strides()[1]});
}

}  // namespace pewter

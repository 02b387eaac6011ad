// The GGUF reader on files put together here: valid ones of both versions, every truncation, and
// each field wrong in turn.
#include "io/gguf.h"

#include <limits>

#include "io/support.h"

namespace pewter::io {
namespace {

GgufFile parse(const std::string& bytes) { return GgufFile::parse(copy_bytes("t.gguf", bytes)); }
GgufFile parse(const GgufBuilder& builder) { return parse(builder.bytes()); }

GgufBuilder valid(uint32_t version) {
  GgufBuilder b(version);
  b.string("general.architecture", "llama").u32("n", 7).f32("x", 0.5f).boolean("yes", true);
  b.number<uint8_t>("u8", 0, 200).number<int8_t>("i8", 1, -100).number<uint16_t>("u16", 2, 60000);
  b.number<int16_t>("i16", 3, -30000).number<int32_t>("i32", 5, -7).number<double>("f64", 12, 2.25);
  b.number<uint64_t>("u64", 10, uint64_t{1} << 63).number<int64_t>("i64", 11, -5);
  b.strings("words", {"a", "", "ccc"}).i32s("numbers", {1, -2, 3});
  b.tensor("w", {3, 2}, 0, bytes_of<float>({1, 2, 3, 4, 5, 6}));
  b.tensor("q", {32}, 8, std::string("\x00\x3c", 2) + std::string(32, '\x05'));
  return b;
}

TEST(Gguf, ReadsBothVersions) {
  for (uint32_t version : {2u, 3u}) {
    const GgufFile file = parse(valid(version));
    EXPECT_EQ(file.version(), version);
    EXPECT_EQ(file.string("general.architecture"), "llama");
    EXPECT_EQ(file.integer("n"), 7);
    EXPECT_EQ(file.number("x"), 0.5);
    EXPECT_EQ(file.number("n"), 7);
    EXPECT_EQ(file.find_bool("yes"), true);
    EXPECT_EQ(file.integer("u8"), 200);
    EXPECT_EQ(file.integer("i8"), -100);
    EXPECT_EQ(file.integer("u16"), 60000);
    EXPECT_EQ(file.integer("i16"), -30000);
    EXPECT_EQ(file.integer("i32"), -7);
    EXPECT_EQ(file.number("f64"), 2.25);
    EXPECT_EQ(file.integer("i64"), -5);
    EXPECT_EQ(file.strings("words"), (std::vector<std::string_view>{"a", "", "ccc"}));
    EXPECT_EQ(file.find_integers("numbers"), (std::vector<int64_t>{1, -2, 3}));
    EXPECT_FALSE(file.find_integer("absent"));
    ASSERT_EQ(file.tensors().size(), 2u);
    const HostTensor* w = file.find_tensor("w");
    ASSERT_NE(w, nullptr);
    EXPECT_EQ(w->shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(to_f32(*w), (std::vector<float>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(to_f32(*file.find_tensor("q")), std::vector<float>(32, 5.0f));
  }
}

TEST(Gguf, TensorsOutliveTheFile) {
  HostTensor w;
  {
    const GgufFile file = parse(valid(3));
    w = *file.find_tensor("w");
  }
  EXPECT_EQ(to_f32(w)[5], 6.0f);
}

TEST(Gguf, ReadsEverySupportedType) {
  struct Type {
    uint32_t number;
    DType dtype;
  };
  for (const Type type : {Type{0, DType::f32},
                          {1, DType::f16},
                          {2, DType::q4_0},
                          {3, DType::q4_1},
                          {6, DType::q5_0},
                          {7, DType::q5_1},
                          {8, DType::q8_0},
                          {12, DType::q4_k},
                          {13, DType::q5_k},
                          {14, DType::q6_k},
                          {30, DType::bf16}}) {
    const auto columns = static_cast<uint64_t>(info(type.dtype).block_values);
    const std::string data(3 * static_cast<size_t>(info(type.dtype).block_bytes), '\0');
    const GgufFile file = parse(GgufBuilder().tensor("t", {columns, 3}, type.number, data));
    EXPECT_EQ(file.tensors()[0].dtype, type.dtype);
    EXPECT_EQ(file.tensors()[0].data.size(), data.size());
    EXPECT_EQ(to_f32(file.tensors()[0]), std::vector<float>(3 * columns, 0.0f));
  }
}

TEST(Gguf, RefusesOtherTypesByName) {
  for (const auto& [number, name] : std::vector<std::pair<uint32_t, std::string>>{
           {10, "Q2_K"}, {23, "IQ4_XS"}, {26, "I32"}, {39, "MXFP4"}, {999, "number 999"}})
    expect_error(ErrorCode::format, {"t.gguf", "tensor 'odd'", name}, [&] {
      parse(GgufBuilder().tensor("odd", {256}, number, std::string(512, '\0')));
    });
}

TEST(Gguf, RefusesEveryTruncation) {
  for (uint32_t version : {2u, 3u})
    expect_every_prefix_refused(valid(version).bytes(), [](FileBytes f) { GgufFile::parse(f); });
}

TEST(Gguf, SurvivesEveryFlippedByte) {
  const std::string good = valid(3).bytes();
  size_t refused = 0;
  for (size_t i = 0; i < good.size(); ++i)
    for (const char mask : {'\x01', '\x80', '\xff'}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ mask);
      try {
        const GgufFile file = parse(bad);
        for (const HostTensor& tensor : file.tensors()) ASSERT_LE(tensor.data.size(), bad.size());
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::format);
        ++refused;
      }
    }
  EXPECT_GT(refused, good.size());
}

void expect_refused(const std::string& message, const GgufBuilder& builder) {
  SCOPED_TRACE(message);
  expect_error(ErrorCode::format, {"[gguf] t.gguf", message}, [&] { parse(builder); });
}

TEST(Gguf, RefusesBadHeaders) {
  std::string bytes = valid(3).bytes();
  const auto with = [&](size_t at, const std::string& patch) {
    std::string out = bytes;
    out.replace(at, patch.size(), patch);
    return out;
  };
  const std::string huge("\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {with(0, "GGML"), "not a GGUF file"},
      {with(4, std::string("\x01\0\0\0", 4)), "version 1"},
      {with(4, std::string("\x04\0\0\0", 4)), "version 4"},
      {with(4, std::string("\0\0\0\x03", 4)), "big-endian"},
      {with(8, huge), "tensor count"},
      {with(16, huge), "metadata count"},
      {with(24, huge), "metadata key"},
  };
  for (const auto& [bad, message] : cases) {
    SCOPED_TRACE(message);
    expect_error(ErrorCode::format, {message}, [&] { parse(bad); });
  }
}

TEST(Gguf, RefusesBadMetadata) {
  std::string nested, huge_array, huge_strings;
  GgufBuilder::put<uint32_t>(&nested, 9), GgufBuilder::put<uint64_t>(&nested, 1);
  GgufBuilder::put<uint32_t>(&huge_array, 4),
      GgufBuilder::put<uint64_t>(&huge_array, uint64_t{1} << 62);
  GgufBuilder::put<uint32_t>(&huge_strings, 8),
      GgufBuilder::put<uint64_t>(&huge_strings, uint64_t{1} << 61);
  expect_refused("array of arrays", GgufBuilder().raw_pair("a", 9, nested));
  expect_refused("elements, which do not fit", GgufBuilder().raw_pair("a", 9, huge_array));
  expect_refused("elements, which do not fit", GgufBuilder().raw_pair("a", 9, huge_strings));
  expect_refused("unknown value type 13", GgufBuilder().number<uint8_t>("a", 13, 1));
  expect_refused("bool with value 2", GgufBuilder().number<uint8_t>("a", 7, 2));
  expect_refused("key 'a' occurs twice", GgufBuilder().u32("a", 1).u32("a", 1));
  expect_refused("general.alignment is 0", GgufBuilder().u32("general.alignment", 0));
  expect_refused("general.alignment is 24", GgufBuilder().u32("general.alignment", 24));
  expect_refused("general.alignment is 2147483648",
                 GgufBuilder().u32("general.alignment", 1u << 31));
  expect_refused("'general.alignment' is not an integer",
                 GgufBuilder().f32("general.alignment", 32));
}

TEST(Gguf, RefusesBadTensors) {
  const std::string data(64, '\0');
  const uint64_t big = uint64_t{1} << 40;
  expect_refused("has rank 0", GgufBuilder().tensor("t", {}, 0, data));
  expect_refused("has rank 5", GgufBuilder().tensor("t", {1, 1, 1, 1, 1}, 0, data));
  expect_refused("dimension 1 of 0", GgufBuilder().tensor("t", {4, 0}, 0, data));
  expect_refused("dimension 1 of", GgufBuilder().tensor("t", {big, big}, 0, data));
  expect_refused("too large", GgufBuilder().tensor("t", {big, 1 << 22}, 0, data));
  expect_refused("not whole blocks of 32", GgufBuilder().tensor("t", {33}, 8, data));
  expect_refused("not whole blocks of 32", GgufBuilder().tensor("t", {16, 2}, 8, data));
  expect_refused("does not fit in the file's 64 bytes", GgufBuilder().tensor("t", {17}, 0, data));
  expect_refused("tensor 't' occurs twice",
                 GgufBuilder().tensor("t", {4}, 0, data).tensor("t", {4}, 0, data));
  expect_refused("not a multiple of 32",
                 GgufBuilder().tensor("t", {4}, 0, data).entry("u", {1}, 0, 4));
  expect_refused("overlap at offset 32",
                 GgufBuilder().tensor("t", {16}, 0, data).entry("u", {4}, 0, 32));
  expect_refused("overlap at offset 0",
                 GgufBuilder().tensor("t", {16}, 0, data).entry("u", {4}, 0, 0));
  expect_refused("does not fit", GgufBuilder().entry("t", {4}, 0, 32));
  expect_refused("does not fit", GgufBuilder().entry("t", {4}, 0, ~uint64_t{31}));
  expect_refused("tensor name of 0 bytes", GgufBuilder().tensor("", {4}, 0, data));
}

TEST(Gguf, TypedAccessNamesKeyAndFile) {
  const GgufFile file = parse(valid(3).f32("nan", std::numeric_limits<float>::quiet_NaN()));
  expect_error(ErrorCode::format, {"t.gguf", "no 'absent'"}, [&] { file.integer("absent"); });
  expect_error(ErrorCode::format, {"no 'absent'"}, [&] { file.string("absent"); });
  expect_error(ErrorCode::format, {"'x' is not an integer"}, [&] { file.find_integer("x"); });
  expect_error(ErrorCode::format, {"'u64' is not an integer below 2^63"},
               [&] { file.integer("u64"); });
  expect_error(ErrorCode::format, {"'nan' is not a finite number"}, [&] { file.number("nan"); });
  expect_error(ErrorCode::format, {"'n' is not a string"}, [&] { file.string("n"); });
  expect_error(ErrorCode::format, {"'n' is not a bool"}, [&] { file.find_bool("n"); });
  expect_error(ErrorCode::format, {"'numbers' is not an array of strings"},
               [&] { file.strings("numbers"); });
  expect_error(ErrorCode::format, {"'words' is not an array of integers"},
               [&] { file.find_integers("words"); });
}

TEST(Gguf, NamesAFileThatCannotBeRead) {
  TempFolder temp;
  expect_error(ErrorCode::io, {"none.gguf", "No such file"},
               [&] { GgufFile::open(temp / "none.gguf"); });
  expect_error(ErrorCode::io, {"directory"}, [&] { GgufFile::open(temp.path()); });
  write_text(temp / "empty.gguf", "");
  expect_error(ErrorCode::format, {"empty.gguf"}, [&] { GgufFile::open(temp / "empty.gguf"); });
  write_text(temp / "good.gguf", valid(3).bytes());
  EXPECT_EQ(GgufFile::open(temp / "good.gguf").tensors().size(), 2u);
}

}  // namespace
}  // namespace pewter::io

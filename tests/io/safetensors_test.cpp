// safetensors both ways, and hostile headers. Files are put together from header text and data, so
// that each can be wrong in one way.
#include "io/safetensors.h"

#include "io/support.h"

namespace pewter::io {
namespace {

std::string file_of(const std::string& header, const std::string& data) {
  std::string out;
  GgufBuilder::put<uint64_t>(&out, header.size());
  return out + header + data;
}

Safetensors parse(const std::string& header, const std::string& data) {
  return parse_safetensors(copy_bytes("t.safetensors", file_of(header, data)));
}

HostTensor tensor(const std::string& name, DType dtype, std::vector<int64_t> shape,
                  const std::string& data) {
  std::byte* out = nullptr;
  HostTensor made = make_host_tensor(name, dtype, std::move(shape), &out);
  std::ranges::copy(std::as_bytes(std::span(data)), out);
  return made;
}

std::vector<HostTensor> some_tensors() {
  return {tensor("half", DType::f16, {3}, bytes_of<uint16_t>({0x3c00, 0x4000, 0xbc00})),
          tensor("single", DType::f32, {2, 2}, bytes_of<float>({1, -2, 0.5, 4})),
          tensor("brain", DType::bf16, {1, 1}, bytes_of<uint16_t>({0x3fc0})),
          tensor("whole", DType::i32, {2}, bytes_of<int32_t>({-1, 7})),
          tensor("bytes", DType::u8, {3}, "abc"),
          tensor("none", DType::f32, {0, 4}, ""),
          tensor("scalar", DType::f32, {}, bytes_of<float>({9}))};
}

TEST(Safetensors, WritesAndReads) {
  TempFolder temp;
  const auto tensors = some_tensors();
  write_safetensors(temp / "t.safetensors", tensors, {{"format", "pt"}, {"ü", "\"x\""}});
  const Safetensors read = read_safetensors(temp / "t.safetensors");
  EXPECT_EQ(read.metadata.at("format"), "pt");
  EXPECT_EQ(read.metadata.at("ü"), "\"x\"");
  ASSERT_EQ(read.tensors.size(), tensors.size());
  for (const HostTensor& expected : tensors) {
    SCOPED_TRACE(expected.name);
    const HostTensor& found = read.tensors.at(expected.name);
    EXPECT_EQ(found.name, expected.name);
    EXPECT_EQ(found.dtype, expected.dtype);
    EXPECT_EQ(found.shape, expected.shape);
    EXPECT_TRUE(std::ranges::equal(found.data, expected.data));
  }
  EXPECT_EQ(to_f32(read.tensors.at("half")), (std::vector<float>{1, 2, -1}));
  EXPECT_EQ(to_f32(read.tensors.at("brain")), std::vector<float>{1.5f});
  expect_error(ErrorCode::dtype, {"'whole' is i32"}, [&] { to_f32(read.tensors.at("whole")); });
  // The header ends where data may begin for any element type.
  const std::string text = read_text(temp / "t.safetensors");
  uint64_t header = 0;
  std::memcpy(&header, text.data(), 8);
  EXPECT_EQ(header % 8, 0u);
}

TEST(Safetensors, CopiesUnalignedTensors) {
  const auto read = parse(
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
      "x" + bytes_of<float>({3.5f}));
  const HostTensor& b = read.tensors.at("b");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b.data.data()) % alignof(float), 0u);
  EXPECT_EQ(to_f32(b), std::vector<float>{3.5f});
}

TEST(Safetensors, RefusesEveryTruncation) {
  TempFolder temp;
  write_safetensors(temp / "t", some_tensors());
  expect_every_prefix_refused(read_text(temp / "t"), [](FileBytes f) { parse_safetensors(f); });
}

TEST(Safetensors, SurvivesEveryFlippedByte) {
  TempFolder temp;
  write_safetensors(temp / "t", some_tensors());
  const std::string good = read_text(temp / "t");
  size_t refused = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    try {
      parse_safetensors(copy_bytes("bad", bad));
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::format);
      ++refused;
    }
  }
  EXPECT_GT(refused, good.size() / 3);
}

TEST(Safetensors, RefusesBadHeaders) {
  const auto entry = [](const std::string& dtype, const std::string& shape,
                        const std::string& offsets) {
    return fmt::format(R"({{"t":{{"dtype":{},"shape":{},"data_offsets":{}}}}})", dtype, shape,
                       offsets);
  };
  const std::string data(8, '\0');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "parse error"},
      {"[]", "expected an object"},
      {"{", "parse error"},
      {R"({"t":5})", "expected an object"},
      {R"({"t":{}})", "'t.dtype' is missing"},
      {R"({"t":{"dtype":"F32"}})", "'t.shape' is missing"},
      {entry("\"F64\"", "[1]", "[0,8]"), "a dtype that is not read"},
      {entry("\"F8_E4M3\"", "[8]", "[0,8]"), "F8_E4M3"},
      {entry("5", "[1]", "[0,8]"), "expected a string"},
      {entry("\"F32\"", "[-2]", "[0,8]"), "'t.shape[0]' is -2"},
      {entry("\"F32\"", "[2.0]", "[0,8]"), "expected an integer"},
      {entry("\"F32\"", "[4294967296,4294967296]", "[0,8]"), "too large"},
      {entry("\"F32\"", "[9223372036854775807]", "[0,8]"), "too large"},
      {entry("\"F32\"", "[2]", "[0,4]"), "takes 8 bytes"},
      {entry("\"F32\"", "[2]", "[8,0]"), "'t.data_offsets[1]' is 0"},
      {entry("\"F32\"", "[2]", "[0,16]"), "expected an integer from 0 to 8"},
      {entry("\"F32\"", "[2]", "[-8,0]"), "'t.data_offsets[0]' is -8"},
      {entry("\"F32\"", "[2]", "[0]"), "expected two offsets"},
      {entry("\"F32\"", "[1]", "[4,8]"), "leaving a hole after 0"},
      {entry("\"F32\"", "[1]", "[0,4]"), "8 bytes of data, tensors cover 4"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       "inside another"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "key 'a' occurs twice"},
      {R"({"__metadata__":{"x":1}})", "expected a string"},
      {R"({"t":[[[[[[[[[]]]]]]]]]})", "nested more than 4 deep"},
      {"{\"\xff\":5}", "invalid"},
  };
  for (const auto& [header, message] : cases) {
    SCOPED_TRACE(header);
    expect_error(ErrorCode::format, {"t.safetensors", message}, [&] { parse(header, data); });
  }
  std::string huge = file_of("{}", "");
  huge[7] = '\x7f';
  expect_error(ErrorCode::format, {"header of"},
               [&] { parse_safetensors(copy_bytes("huge", huge)); });
}

TEST(Safetensors, RefusesToWriteWhatItCannot) {
  TempFolder temp;
  auto two = some_tensors();
  two.push_back(two[0]);
  expect_error(ErrorCode::argument, {"two tensors are named 'half'"},
               [&] { write_safetensors(temp / "t", two); });
  HostTensor quantised = tensor("q", DType::q8_0, {32}, std::string(34, '\0'));
  expect_error(ErrorCode::argument, {"'q' is q8_0"},
               [&] { write_safetensors(temp / "t", std::span(&quantised, 1)); });
  EXPECT_TRUE(std::filesystem::is_empty(temp.path()));
}

TEST(Safetensors, ReadsShards) {
  TempFolder temp;
  const auto tensors = some_tensors();
  write_safetensors(temp / "one.safetensors", std::span(tensors).subspan(0, 3));
  write_safetensors(temp / "two.safetensors", std::span(tensors).subspan(3));
  const auto index = [&](const std::string& map) {
    write_text(temp / "model.safetensors.index.json",
               R"({"metadata":{},"weight_map":)" + map + "}");
  };
  index(R"({"half":"one.safetensors","single":"one.safetensors","whole":"two.safetensors"})");
  const Safetensors read = read_safetensors_folder(temp.path());
  ASSERT_EQ(read.tensors.size(), 3u);
  EXPECT_EQ(to_f32(read.tensors.at("single"))[1], -2);
  for (const auto& [map, message] : std::vector<std::pair<std::string, std::string>>{
           {R"({"half":"../one.safetensors"})", "not the name of a file"},
           {R"({"half":"/etc/passwd"})", "not the name of a file"},
           {R"({"half":".."})", "not the name of a file"},
           {R"({"half":""})", "not the name of a file"},
           {R"({"absent":"one.safetensors"})", "which has no such tensor"}}) {
    index(map);
    expect_error(ErrorCode::format, {"index.json", message},
                 [&] { read_safetensors_folder(temp.path()); });
  }
  index(R"({"half":"gone.safetensors"})");
  expect_error(ErrorCode::io, {"gone.safetensors"}, [&] { read_safetensors_folder(temp.path()); });
}

}  // namespace
}  // namespace pewter::io

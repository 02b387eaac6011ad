// Outputs that appear whole or not at all, JSON with limits, JSON lines, and npy.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <limits>

#include "io/atomic_file.h"
#include "io/json_file.h"
#include "io/npy.h"
#include "io/support.h"

namespace pewter::io {
namespace {

size_t files_in(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(AtomicFile, ReplacesOnlyOnCommit) {
  TempFolder temp;
  write_file_atomically(temp / "f", "old");
  {
    AtomicFile file(temp / "f");
    file.write("new");
    file.flush();
    EXPECT_EQ(read_text(temp / "f"), "old");
    EXPECT_EQ(files_in(temp.path()), 2u);
  }
  EXPECT_EQ(read_text(temp / "f"), "old");
  EXPECT_EQ(files_in(temp.path()), 1u);  // the temporary file went
  const std::string big(5 << 20, 'x');
  AtomicFile file(temp / "f");
  file.write("small ");
  file.write(big);
  file.write(" end");
  file.commit();
  EXPECT_EQ(read_text(temp / "f"), "small " + big + " end");
  EXPECT_EQ(files_in(temp.path()), 1u);
}

TEST(AtomicFile, FollowsTheUmask) {
  TempFolder temp;
  const mode_t before = ::umask(027);
  write_file_atomically(temp / "f", "x");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((temp / "f").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(AtomicFile, NamesWhatItCannotWrite) {
  TempFolder temp;
  expect_error(ErrorCode::io, {"none/f", "No such file"},
               [&] { write_file_atomically(temp / "none/f", "x"); });
  expect_error(ErrorCode::io, {"Is a directory"}, [&] { write_file_atomically(temp.path(), "x"); });
  if (::geteuid() != 0) {
    std::filesystem::permissions(
        temp.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    expect_error(ErrorCode::io, {"f", "Permission denied"},
                 [&] { write_file_atomically(temp / "f", "x"); });
    std::filesystem::permissions(temp.path(), std::filesystem::perms::owner_all);
  }
}

// A file size limit fails write() half way, as a full disk does, and needs no privileges.
TEST(AtomicFile, FullDiskLeavesTheOldFile) {
  TempFolder temp;
  write_file_atomically(temp / "f", "old");
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit small { 1 << 20, before.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  expect_error(ErrorCode::io, {(temp / "f").string(), "File too large"},
               [&] { write_file_atomically(temp / "f", std::string(4 << 20, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(read_text(temp / "f"), "old");
  EXPECT_EQ(files_in(temp.path()), 1u);
}

TEST(AtomicDirectory, ReplacesAsOne) {
  TempFolder temp;
  const auto target = temp / "checkpoint";
  EXPECT_EQ(whole_directory(target), "");
  for (const std::string content : {"first", "second"}) {
    AtomicDirectory folder(target);
    write_file_atomically(folder.path() / "a", content);
    folder.commit();
    EXPECT_EQ(whole_directory(target), target);
    EXPECT_EQ(read_text(target / "a"), content);
    EXPECT_EQ(files_in(temp.path()), 1u);
  }
  {
    AtomicDirectory folder(target);
    write_file_atomically(folder.path() / "a", "never");
  }
  EXPECT_EQ(read_text(target / "a"), "second");
  EXPECT_EQ(files_in(temp.path()), 1u);
}

// What a kill between two system calls leaves behind, and that the next writer tidies it up.
TEST(AtomicDirectory, RecoversFromEveryInterruption) {
  namespace fs = std::filesystem;
  const auto make = [](const fs::path& folder, const std::string& content) {
    fs::create_directory(folder);
    write_text(folder / "a", content);
  };
  struct State {
    bool target, fresh, old;
    std::string expected;  // what a reader finds; empty for nothing
  };
  for (const State& state : {State{false, true, false, ""}, State{true, true, false, "target"},
                             State{false, true, true, "fresh"}, State{true, false, true, "target"},
                             State{false, false, true, "old"}, State{true, true, true, "target"}}) {
    SCOPED_TRACE(fmt::format("{}{}{}", state.target, state.fresh, state.old));
    TempFolder temp;
    const auto target = temp / "c";
    if (state.target) make(target, "target");
    if (state.fresh) make(temp / "c.new", "fresh");
    if (state.old) make(temp / "c.old", "old");
    const fs::path whole = whole_directory(target);
    EXPECT_EQ(whole.empty() ? "" : read_text(whole / "a"), state.expected);
    { const AtomicDirectory tidy(target); }
    EXPECT_EQ(files_in(temp.path()), state.expected.empty() ? 0u : 1u);
    EXPECT_EQ(fs::exists(target) ? read_text(target / "a") : "", state.expected);
  }
}

// A child that replaces the folder again and again is killed; a reader always finds one whole
// state.
TEST(AtomicDirectory, SurvivesKills) {
  TempFolder temp;
  const auto target = temp / "c";
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (int i = 0;; ++i) {
        AtomicDirectory folder(target);
        const std::string content = fmt::format("{} {}", round, i);
        write_file_atomically(folder.path() / "a", content);
        write_file_atomically(folder.path() / "b", content);
        folder.commit();
      }
    }
    ::usleep(static_cast<useconds_t>(3000 + 1700 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto whole = whole_directory(target);
    if (whole.empty()) continue;  // killed before the first commit
    EXPECT_EQ(read_text(whole / "a"), read_text(whole / "b"));
    EXPECT_NE(read_text(whole / "a"), "");
  }
  EXPECT_FALSE(whole_directory(target).empty());
}

TEST(MapFile, RefusesWhatIsNoFile) {
  TempFolder temp;
  ASSERT_EQ(::mkfifo((temp / "fifo").c_str(), 0600), 0);
  expect_error(ErrorCode::io, {"fifo", "not a regular file"}, [&] { map_file(temp / "fifo"); });
  write_text(temp / "f", "abc");
  EXPECT_EQ(map_file(temp / "f").text(), "abc");
}

TEST(Json, LimitsDepthAndSize) {
  const std::string deep = std::string(1 << 20, '[');
  expect_error(ErrorCode::format, {"f.json", "nested more than 64 deep"},
               [&] { parse_json("f.json", deep); });
  EXPECT_EQ(parse_json("f", std::string(64, '[') + std::string(64, ']')).size(), 1u);
  // Brackets in strings are no depth.
  EXPECT_EQ(parse_json("f", "\"" + std::string(100, '[') + "\\\"[\"").get<std::string>().size(),
            102u);
  expect_error(ErrorCode::format, {"9 bytes, more than the 8"},
               [] { parse_json("f", "123456789", {.max_bytes = 8}); });
  for (const char* bad : {"", "{", "[1,]", "{\"a\":1,}", "nul", "\"\xff\"", "1 2",
                          "{\"a\":1,\"a\":2}", "[NaN]", "\"\\ud800\"", "1e999"})
    expect_error(ErrorCode::format, {"[json] f"}, [&] { parse_json("f", bad); });
}

TEST(Json, TypedAccessNamesFieldAndValue) {
  const Json json = parse_json(
      "c.json", R"({"a":{"b":[1,"x",2.5,null,true]},"big":18446744073709551615,"s":"v"})");
  const JsonView root("c.json", json);
  const auto list = root.at("a").at("b").elements();
  EXPECT_EQ(list[0].integer(), 1);
  EXPECT_EQ(list[1].string(), "x");
  EXPECT_EQ(list[2].number(), 2.5);
  EXPECT_TRUE(list[4].boolean());
  EXPECT_FALSE(root.find("none"));
  const auto refused = [](const std::vector<std::string>& parts,
                          const std::function<void()>& body) {
    expect_error(ErrorCode::format, parts, body);
  };
  refused({"c.json", "'a.b[1]' is \"x\", expected an integer"}, [&] { list[1].integer(); });
  refused({"'a.b[0]' is 1, expected an integer from 2 to 3"}, [&] { list[0].integer(2, 3); });
  refused({"'a.b[2]' is 2.5"}, [&] { list[2].integer(); });
  refused({"field 'a.c' is missing"}, [&] { root.at("a").at("c"); });
  refused({"'big'", "out of range"}, [&] { root.at("big").integer(); });
  refused({"'s' is \"v\", expected an array"}, [&] { root.at("s").elements(); });
  refused({"'s'", "expected an object"}, [&] { root.at("s").at("x"); });
  refused({"'s'", "expected a number"}, [&] { root.at("s").number(); });
  refused({"'s'", "expected true or false"}, [&] { root.at("s").boolean(); });
}

TEST(JsonLines, NamesTheLine) {
  std::vector<std::pair<size_t, int64_t>> seen;
  const auto collect = [&](size_t line, const JsonView& v) {
    seen.emplace_back(line, v.at("n").integer());
  };
  for_each_json_line(copy_bytes("d.jsonl", "\xEF\xBB\xBF{\"n\":1}\r\n\n  \t\n{\"n\":2}"), collect);
  EXPECT_EQ(seen, (std::vector<std::pair<size_t, int64_t>>{{1, 1}, {4, 2}}));
  expect_error(ErrorCode::format, {"d.jsonl:2", "parse error"},
               [&] { for_each_json_line(copy_bytes("d.jsonl", "{\"n\":1}\n{n}\n"), collect); });
  expect_error(ErrorCode::format, {"d.jsonl:2", "'n' is missing"},
               [&] { for_each_json_line(copy_bytes("d.jsonl", "{\"n\":1}\n{}\n"), collect); });
}

std::string npy(const std::string& header, const std::string& data, char major = 1) {
  std::string out = std::string("\x93NUMPY") + major + '\0';
  if (major == 1) {
    GgufBuilder::put<uint16_t>(&out, static_cast<uint16_t>(header.size()));
  } else {
    GgufBuilder::put<uint32_t>(&out, static_cast<uint32_t>(header.size()));
  }
  return out + header + data;
}

NpyArray parse(const std::string& bytes) { return parse_npy(copy_bytes("t.npy", bytes)); }

TEST(Npy, WritesAndReads) {
  TempFolder temp;
  const std::vector<float> f4 = {1, 2, 3, 4, 5, 6};
  const std::vector<int64_t> shape = {2, 3}, empty = {3, 0}, scalar;
  write_npy(temp / "f4.npy", NpyType::f4, shape, std::as_bytes(std::span(f4)));
  const NpyArray read = read_npy(temp / "f4.npy");
  EXPECT_EQ(read.shape, shape);
  EXPECT_EQ(read.to_f32(), f4);
  EXPECT_EQ((std::filesystem::file_size(temp / "f4.npy") - 24) % 64, 0u);
  const std::vector<int64_t> i8 = {std::numeric_limits<int64_t>::min()};
  write_npy(temp / "i8.npy", NpyType::i8, scalar, std::as_bytes(std::span(i8)));
  EXPECT_EQ(read_npy(temp / "i8.npy").to_i64(), i8);
  EXPECT_TRUE(read_npy(temp / "i8.npy").shape.empty());
  write_npy(temp / "none.npy", NpyType::f2, empty, {});
  EXPECT_TRUE(read_npy(temp / "none.npy").to_f32().empty());
  expect_error(ErrorCode::argument, {"24 bytes for shape"}, [&] {
    write_npy(temp / "x.npy", NpyType::i8, shape, std::as_bytes(std::span(f4)));
  });
  expect_error(ErrorCode::dtype, {"<f4, not integers"}, [&] { read.to_i64(); });
}

TEST(Npy, ReadsWhatNumPyWrites) {
  const std::string two = bytes_of<uint16_t>({0x3c00, 0xc000});
  // As numpy 1.x and 2.x write it; order of keys and spacing are Python's.
  EXPECT_EQ(
      parse(npy("{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }      \n", two)).to_f32(),
      (std::vector<float>{1, -2}));
  EXPECT_EQ(parse(npy("{\"shape\":(1,2),'fortran_order':False,'descr':'<f2'}", two, 2)).shape,
            (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(parse(npy("{'descr': '<i4', 'fortran_order': True, 'shape': (1,), }\n",
                      bytes_of<int32_t>({-3})))
                .to_i64(),
            std::vector<int64_t>{-3});
}

TEST(Npy, RefusesWrongFiles) {
  const std::string good =
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", std::string(8, 0));
  expect_every_prefix_refused(good, [](FileBytes f) { parse_npy(f); });
  const auto header = [](const std::string& descr, const std::string& shape,
                         const char* order = "False") {
    return npy(
        fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}", descr, order, shape),
        std::string(8, 0));
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {good + "x", "1 bytes after the data"},
      {"\x93NUMPZ" + good.substr(6), "not a .npy file"},
      {npy("{}", ""), "lacks descr"},
      {npy("{'descr': '<f4'}", ""), "lacks shape"},
      {npy("{'descr': '<f4', 'shape': (2,)}", ""), "lacks fortran_order"},
      {npy("{'descr': '<f4', 'descr': '<f4'}", ""), "key 'descr'"},
      {npy("{'magic': '<f4'}", ""), "key 'magic'"},
      {npy("{'descr': '<f4' 'shape': (2,)}", ""), "expected '}'"},
      {npy("{} x", ""), "text after the dictionary"},
      {header(">f4", "(2,)"), "descr '>f4'"},
      {header("|O", "(2,)"), "descr '|O'"},
      {header("<f4", "(1, 2)", "True"), "Fortran order"},
      {header("<f4", "(2,)", "0"), "expected True or False"},
      {header("<f4", "(-2,)"), "expected a size"},
      {header("<f4", "(99999999999999999999,)"), "expected a size"},
      {header("<f4", "(999999999999999999,999999999999999999)"), "too large"},
      {header("<f4", "(3,)"), "data at byte"},
      {header("<f4", "[2]"), "expected '('"},
      {npy("{'descr': '<f4", ""), "expected a string"},
  };
  for (const auto& [bytes, message] : cases) {
    SCOPED_TRACE(message);
    expect_error(ErrorCode::format, {"[npy] t.npy", message}, [&] { parse(bytes); });
  }
}

}  // namespace
}  // namespace pewter::io

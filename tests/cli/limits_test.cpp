// What a machine may deny: room on the disk, a place to write, memory, threads, somewhere to print.
// Each ends with status 1 and a message that names what is missing, never with a signal, and leaves
// what was there before as it was. Limits are the shell's ulimit, which needs no privileges.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "support/command.h"

namespace pewter::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> train(const fs::path& out, const std::string& rank = "8") {
  const std::string data = std::string(PEWTER_DATA_DIR) + "/home/train.jsonl";
  return {"train",   "-m", small_model(), "--data", data,     "--out", out,
          "--steps", "2",  "--batch",     "2",      "--rank", rank};
}
std::vector<std::string> merge(const fs::path& adapter, const fs::path& out) {
  return {"merge", "-m", small_model(), "--adapter", adapter, "--out", out};
}
std::vector<std::string> generate(std::vector<std::string> more = {}) {
  std::vector<std::string> all = {"generate", "-m", small_model(), "-p", "a", "--max-tokens", "8"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void expect_failure(const Ran& r, const std::string& named) {
  EXPECT_EQ(r.status, 1) << r.err;
  EXPECT_TRUE(has(r.err, "pewter: ")) << r.err;
  EXPECT_TRUE(has(r.err, named)) << r.err;
}

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().filename()] = read_file(entry.path());
  }
  return files;
}

class Limits : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    trained = new TempFolder;
    ASSERT_EQ(run_pewter(train(trained->path / "out")).status, 0);
    ASSERT_EQ(run_pewter(merge(adapter(), trained->path / "merged")).status, 0);
  }
  static void TearDownTestSuite() { delete trained; }
  static fs::path adapter() { return trained->path / "out"; }

  static TempFolder* trained;
};
TempFolder* Limits::trained = nullptr;

// A limit on the size of files fails a write as a full disk does. It is set so low that first the
// checkpoint and then, with the merged model, the largest file does not fit.
TEST_F(Limits, FullDiskIsNamedAndLeavesEarlierOutputs) {
  const auto before = files_of(adapter());
  const Ran again = run_pewter_in_shell("ulimit -f 64", train(adapter(), "16"));
  expect_failure(again, adapter().string());
  EXPECT_TRUE(has(again.err, "File too large")) << again.err;
  for (const char* name : {"adapter_model.safetensors", "adapter_config.json", "report.html"}) {
    EXPECT_EQ(files_of(adapter()).at(name), before.at(name)) << name;
  }
  EXPECT_EQ(run_pewter(generate({"--adapter", adapter()})).status, 0);

  const fs::path merged = trained->path / "merged";
  const auto whole = files_of(merged);
  expect_failure(run_pewter_in_shell("ulimit -f 64", merge(adapter(), merged)), merged.string());
  EXPECT_EQ(files_of(merged), whole);
}

TEST_F(Limits, FoldersThatCannotBeMadeAreNamed) {
  std::ofstream(trained->path / "file") << "precious";
  std::vector<fs::path> places = {trained->path / "file/out"};
  if (fs::is_directory("/proc/self")) places.push_back("/proc/pewter-out");  // closed to root too
  for (const fs::path& out : places) {
    const std::string named = out == places[0] ? out.parent_path().string() : out.string();
    expect_failure(run_pewter(train(out)), named);
    expect_failure(run_pewter(merge(adapter(), out)), named);
  }
  EXPECT_EQ(read_file(trained->path / "file"), "precious");
}

TEST_F(Limits, StdoutThatCannotBeWrittenIsAFailure) {
  const std::vector<std::vector<std::string>> commands = {
      generate(), generate({"--json"}), {"doctor"},
      {"--help"}, {"train", "--help"},  merge(adapter(), trained->path / "merged2")};
  for (const auto& command : commands) {
    for (const char* redirect : {">/dev/full", ">&-"}) {
      if (redirect == std::string(">/dev/full") && !fs::exists("/dev/full")) continue;
      SCOPED_TRACE(command[0] + redirect);
      expect_failure(run_pewter_in_shell(":", command, redirect), "stdout");
    }
  }
}

// What is printed must not end in a file that took the closed stream's number.
TEST_F(Limits, StderrThatCannotBeWrittenChangesNothing) {
  const Ran whole = run_pewter(generate());
  const auto adapter_files = files_of(adapter());
  for (const char* redirect : {"2>/dev/full", "2>&-", "2>&- <&-"}) {
    if (has(redirect, "full") && !fs::exists("/dev/full")) continue;
    SCOPED_TRACE(redirect);
    const Ran r = run_pewter_in_shell(":", generate(), redirect);
    EXPECT_EQ(r.status, 0);
    EXPECT_EQ(r.out, whole.out);
    const fs::path out = trained->path / "quiet";
    EXPECT_EQ(run_pewter_in_shell(":", train(out), redirect).status, 0);
    EXPECT_EQ(files_of(out).at("adapter_model.safetensors"),
              adapter_files.at("adapter_model.safetensors"));
    EXPECT_EQ(run_pewter_in_shell(":", {"generate", "-m", "/none", "-p", "a"}, redirect).status, 1);
  }
}

#if defined(__linux__)
// From too little to load the model up to enough: success, or a failure that is told.
TEST_F(Limits, MemoryThatRunsOutIsAFailureNotASignal) {
  bool failed = false, done = false;
  for (int64_t kib = 24 << 10; kib <= int64_t{3} << 20 && !done; kib = kib * 5 / 4) {
    SCOPED_TRACE(std::to_string(kib) + " KiB");
    const std::string limit = "ulimit -v " + std::to_string(kib);
    if (run_pewter_in_shell(limit, {"--version"}).status != 0) continue;  // not even its libraries
    const Ran r = run_pewter_in_shell(limit, train(trained->path / "memory"));
    EXPECT_TRUE(r.status == 0 || (r.status == 1 && has(r.err, "pewter: "))) << r.status << r.err;
    failed = failed || r.status == 1;
    done = r.status == 0;
  }
  EXPECT_TRUE(failed);
  EXPECT_TRUE(done);
}

TEST_F(Limits, ThreadsThatCannotBeStartedAreCounted) {
  const Ran r =
      run_pewter_in_shell("ulimit -v 2000000; ulimit -s 8192", generate({"--threads", "1000"}));
  expect_failure(r, "of 1000 threads");
}
#endif

}  // namespace
}  // namespace pewter::test

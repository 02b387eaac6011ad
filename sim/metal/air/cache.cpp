// See cache.h. A file is its object's SHA-256 and then the object; it is written beside its place
// and renamed, so processes never see half of one. Failing to write costs time, never a result.
#include "cache.h"

#include <fmt/format.h>
#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/Support/SHA256.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace metal_sim::air {
namespace fs = std::filesystem;
namespace {

constexpr size_t kDigest = 32;

std::string digest_of(const std::string& bytes) {
  llvm::SHA256 hash;
  hash.update(bytes);
  const auto digest = hash.final();
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

void trim(const ObjectCache& cache) {
  struct Entry {
    fs::file_time_type used;
    uint64_t size;
    fs::path path;
  };
  std::error_code ignored;
  std::vector<Entry> entries;
  uint64_t total = 0;
  for (const auto& item : fs::directory_iterator(cache.folder, ignored)) {
    std::error_code problem;
    const Entry entry{item.last_write_time(problem), item.file_size(problem), item.path()};
    if (problem) continue;
    total += entry.size;
    entries.push_back(entry);
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.used < b.used; });
  for (const auto& entry : entries) {
    if (total <= cache.limit) return;
    if (fs::remove(entry.path, ignored)) total -= entry.size;
  }
}

}  // namespace

ObjectCache default_cache() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value ? value : "");
  };
  ObjectCache cache;
  if (const auto own = variable("METAL_SIM_CACHE"); !own.empty()) {
    cache.folder = own;
  } else if (const auto shared = variable("XDG_CACHE_HOME"); !shared.empty()) {
    cache.folder = shared / "pewter" / "air";
  } else if (const auto home = variable("HOME"); !home.empty()) {
    cache.folder = home / ".cache" / "pewter" / "air";
  }
  return cache;
}

std::string cache_key(const CompileRequest& request, const std::string& host) {
  llvm::SHA256 hash;
  const auto number = [&](uint64_t value) {
    hash.update(llvm::ArrayRef(reinterpret_cast<const uint8_t*>(&value), sizeof value));
  };
  const auto text = [&](llvm::StringRef value) {
    number(value.size());
    hash.update(value);
  };
  number(kAbiVersion);
  text(LLVM_VERSION_STRING);
  text(PEWTER_AIR_BUILD);
  text(host);
  text(request.kernel);
  text(llvm::StringRef(reinterpret_cast<const char*>(request.bitcode.data()),
                       request.bitcode.size()));
  number(request.checks);
  for (const auto& value : request.constants) {
    number(value.index);
    text(value.name);
    number(value.type);
    text(llvm::StringRef(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()));
  }
  return llvm::toHex(hash.final(), true);
}

std::string load_object(const ObjectCache& cache, const std::string& key) {
  if (cache.folder.empty()) return {};
  std::ifstream in(cache.folder / key, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  const std::string bytes = all.str();
  if (!in || bytes.size() <= kDigest) return {};
  std::string object = bytes.substr(kDigest);
  if (digest_of(object) != bytes.substr(0, kDigest)) return {};
  std::error_code ignored;
  fs::last_write_time(cache.folder / key, fs::file_time_type::clock::now(), ignored);
  return object;
}

void store_object(const ObjectCache& cache, const std::string& key, const std::string& object) {
  if (cache.folder.empty()) return;
  static std::atomic<unsigned> serial{0};
  std::error_code ignored;
  fs::create_directories(cache.folder, ignored);
  const auto place = cache.folder / key;
  const auto draft = cache.folder / fmt::format("{}.{}.{}", key, getpid(), serial++);
  {
    std::ofstream out(draft, std::ios::binary);
    out << digest_of(object) << object;
    if (!out.flush()) {
      fs::remove(draft, ignored);
      return;
    }
  }
  fs::rename(draft, place, ignored);
  trim(cache);
}

}  // namespace metal_sim::air

// Objects that are dear to make and known by a few numbers: MPS kernels and descriptors by shape,
// pipelines by function. Bounded, the one longest unused goes first: shapes may be without end.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

namespace pewter::metal {

struct ObjectKey {
  const void* kind = nullptr;  // the address of something that stands for what it is
  std::array<uint64_t, 8> numbers{};
  friend bool operator==(const ObjectKey&, const ObjectKey&) = default;
};

class ObjectCache {
 public:
  explicit ObjectCache(size_t capacity) : capacity_(capacity) {}

  // What `make` gave for this key; valid until `capacity` others were asked for.
  template <typename T, typename Make>
  const T& get(const ObjectKey& key, Make&& make) {
    if (const auto found = index_.find(key); found != index_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return *static_cast<const T*>(found->second->object.get());
    }
    auto object = std::make_shared<T>(make());
    const T& made = *object;
    entries_.push_front({key, std::move(object)});
    index_.emplace(key, entries_.begin());
    if (entries_.size() > capacity_) {
      index_.erase(entries_.back().key);
      entries_.pop_back();
    }
    return made;
  }
  size_t size() const { return entries_.size(); }
  void clear() {
    index_.clear();
    entries_.clear();
  }

 private:
  struct Entry {
    ObjectKey key;
    std::shared_ptr<void> object;
  };
  struct Hash {
    size_t operator()(const ObjectKey& key) const {
      uint64_t h = reinterpret_cast<uintptr_t>(key.kind);
      for (uint64_t n : key.numbers) h = (h ^ n) * 0x9e3779b97f4a7c15u + (h >> 29);
      return static_cast<size_t>(h ^ (h >> 32));
    }
  };
  size_t capacity_;
  std::list<Entry> entries_;  // used last first
  std::unordered_map<ObjectKey, std::list<Entry>::iterator, Hash> index_;
};

}  // namespace pewter::metal

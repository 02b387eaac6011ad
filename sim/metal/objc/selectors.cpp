// Selectors: each name once in memory, its number in the four bytes before it. Looking one up takes
// no lock: buckets are lists that only ever grow at the head.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sim/metal/objc/runtime.h"

namespace metal_sim {
namespace {

struct Node {
  Node* next;
  uint32_t hash, number;
  char name[];
};

constexpr uint32_t kBuckets = 1u << 13;
constinit std::atomic<Node*> buckets[kBuckets]{};
constinit std::mutex adding;
constinit std::atomic<uint32_t> count{1};  // number 0 is left unused

uint32_t hash_of(const char* text) {
  uint32_t h = 2166136261u;
  for (; *text; ++text) h = (h ^ static_cast<unsigned char>(*text)) * 16777619u;
  return h;
}

Node* find(Node* node, uint32_t hash, const char* name) {
  while (node && (node->hash != hash || std::strcmp(node->name, name) != 0)) node = node->next;
  return node;
}

Node* add(std::atomic<Node*>& bucket, uint32_t hash, const char* name) {
  const std::lock_guard lock(adding);
  Node* head = bucket.load(std::memory_order_relaxed);
  if (Node* there = find(head, hash, name)) return there;
  if (count == kMaxSelectors) {
    std::fprintf(stderr, "metal-sim: more than %u selectors\n", kMaxSelectors);
    std::abort();
  }
  const size_t length = std::strlen(name) + 1;
  auto* node = static_cast<Node*>(std::malloc(sizeof(Node) + length));
  node->next = head;
  node->hash = hash;
  node->number = count++;
  std::memcpy(node->name, name, length);
  bucket.store(node, std::memory_order_release);
  return node;
}

}  // namespace

static_assert(offsetof(Node, name) == offsetof(Node, number) + sizeof(uint32_t),
              "objc_msgSend reads the number right before the name");

SEL selector(const char* name) {
  if (!name) return nullptr;
  const uint32_t hash = hash_of(name);
  std::atomic<Node*>& bucket = buckets[hash % kBuckets];
  Node* node = find(bucket.load(std::memory_order_acquire), hash, name);
  if (!node) node = add(bucket, hash, name);
  return reinterpret_cast<SEL>(node->name);
}

uint32_t selector_number(SEL s) {
  uint32_t number;
  std::memcpy(&number, name_of(s) - sizeof number, sizeof number);
  return number;
}

uint32_t selector_count() { return count - 1; }

}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT SEL sel_registerName(const char* name) { return selector(name); }
SIM_EXPORT SEL sel_getUid(const char* name) { return selector(name); }
SIM_EXPORT const char* sel_getName(SEL s) { return s ? name_of(s) : "<null selector>"; }
SIM_EXPORT bool sel_isEqual(SEL a, SEL b) { return a == b; }
SIM_EXPORT bool sel_isMapped(SEL s) { return s != nullptr; }

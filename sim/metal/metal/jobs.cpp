// The memory of command buffers' jobs: chunks that go from one command buffer to the next, because
// a small command buffer is made, run and thrown away every few hundred nanoseconds.
#include <algorithm>
#include <random>

#include "sim/metal/metal/command.h"

namespace metal_sim {
namespace {

constinit std::mutex spare_mutex;
constinit void* spare = nullptr;  // chunks, through their first word
constinit size_t spare_count = 0;
constexpr size_t kMaxSpare = 64;

}  // namespace

void* JobList::allocate(size_t bytes) {
  bytes = (bytes + 15) / 16 * 16;
  if (!chunk_ || chunk_->used + bytes > kChunk) {
    Chunk* fresh = nullptr;
    {
      const std::lock_guard lock(spare_mutex);
      if (spare) {
        fresh = static_cast<Chunk*>(spare);
        spare = fresh->next;
        --spare_count;
      }
    }
    if (!fresh) fresh = static_cast<Chunk*>(::operator new (sizeof(Chunk), std::align_val_t{16}));
    fresh->next = chunk_;
    fresh->used = 0;
    chunk_ = fresh;
  }
  void* memory = chunk_->data + chunk_->used;
  chunk_->used += bytes;
  return memory;
}

// Dispatches of a concurrent encoder may run in any order between barriers.
void JobList::shuffle(uint64_t seed) {
  std::mt19937_64 random(seed);
  for (Job** at = &first_; *at;) {
    std::vector<Job*> run;
    Job* job = *at;
    for (; job && job->movable; job = job->next) run.push_back(job);
    if (run.empty()) {
      at = &(*at)->next;
      continue;
    }
    std::shuffle(run.begin(), run.end(), random);
    for (Job* moved : run) {
      *at = moved;
      at = &moved->next;
    }
    *at = job;
  }
  tail_ = &first_;
  while (*tail_) tail_ = &(*tail_)->next;
}

void JobList::clear() {
  for (Job* job = first_; job;) {
    Job* next = job->next;
    job->~Job();
    job = next;
  }
  first_ = nullptr;
  tail_ = &first_;
  while (chunk_) {
    Chunk* chunk = std::exchange(chunk_, chunk_->next);
    const std::lock_guard lock(spare_mutex);
    if (spare_count < kMaxSpare) {
      chunk->next = static_cast<Chunk*>(spare);
      spare = chunk;
      ++spare_count;
    } else {
      ::operator delete (chunk, std::align_val_t{16});
    }
  }
}

}  // namespace metal_sim

#include <algorithm>

#include "sim/metal/checks.h"
#include "sim/metal/foundation/collections.h"

namespace metal_sim {

Ref<Dictionary> dictionary_ref(std::vector<std::pair<Ref<Object>, Ref<Object>>> entries) {
  auto d = make_ref<Dictionary>();
  d->entries = std::move(entries);
  return d;
}

const Ref<Object>* Dictionary::find(id key) const {
  for (const auto& [k, value] : entries) {
    if (equal(k.get(), key)) return &value;
  }
  return nullptr;
}

void Dictionary::put(id key, id object) {
  if (!key || !object) {
    failed_assertion("-[NSMutableDictionary setObject:forKey:]",
                     "NSInvalidArgumentException: key and object cannot be nil");
  }
  Ref<Object> value(static_cast<Object*>(object));
  if (const Ref<Object>* there = find(key)) {
    const_cast<Ref<Object>&>(*there) = std::move(value);
    return;
  }
  static const SEL copy = selector("copy");
  entries.emplace_back(Ref<Object>::adopt(static_cast<Object*>(send<id>(key, copy))),
                       std::move(value));
}

Dictionary* Dictionary::init_objects(const id* objects, const id* keys, unsigned long n) {
  for (unsigned long i = 0; i < n; ++i) put(keys[i], objects[i]);
  return this;
}
Dictionary* Dictionary::init_arrays(Array* objects, Array* keys) {
  for (size_t i = 0; i < std::min(objects->items.size(), keys->items.size()); ++i) {
    put(keys->items[i].get(), objects->items[i].get());
  }
  return this;
}
Dictionary* Dictionary::init_dictionary(Dictionary* other) {
  if (other) entries = other->entries;
  return this;
}
unsigned long Dictionary::count() const { return entries.size(); }
id Dictionary::object_for(id key) const {
  const Ref<Object>* found = find(key);
  return found ? found->get() : nullptr;
}
Array* Dictionary::keys() const {
  std::vector<Ref<Object>> all;
  for (const auto& entry : entries) all.push_back(entry.first);
  return array(std::move(all));
}
Array* Dictionary::values() const {
  std::vector<Ref<Object>> all;
  for (const auto& entry : entries) all.push_back(entry.second);
  return array(std::move(all));
}
Enumerator* Dictionary::key_enumerator() const { return keys()->enumerator(); }
Enumerator* Dictionary::object_enumerator() const { return values()->enumerator(); }
bool Dictionary::is_equal_object(id other) const {
  const Dictionary* o = as<Dictionary>(other);
  return o && o->entries.size() == entries.size() &&
         std::all_of(entries.begin(), entries.end(), [&](const auto& entry) {
           const Ref<Object>* there = o->find(entry.first.get());
           return there && equal(there->get(), entry.second.get());
         });
}
unsigned long Dictionary::hash_count() const { return entries.size(); }
void Dictionary::each(const Block* block) {
  using Call = void (*)(const Block*, id, id, bool*);
  bool stop = false;
  const auto seen = entries;
  for (size_t i = 0; i < seen.size() && !stop; ++i) {
    reinterpret_cast<Call>(block->invoke)(block, seen[i].first.get(), seen[i].second.get(), &stop);
  }
}
unsigned long Dictionary::fast(FastState* state, id* room, unsigned long n) {
  const unsigned long from = state->state;
  const unsigned long given =
      std::min<unsigned long>(n, entries.size() - std::min(from, entries.size()));
  for (unsigned long i = 0; i < given; ++i) room[i] = entries[from + i].first.get();
  state->state = from + given;
  state->items = room;
  state->mutations = &mutations;
  return given;
}
String* Dictionary::describe() {
  std::string out = "{\n";
  for (const auto& [key, value] : entries) {
    out += "    " + described(key.get()) + " = " + described(value.get()) + ";\n";
  }
  return string(out + "}");
}
id Dictionary::copy_with_zone(void*) { return retain(this); }
id Dictionary::mutable_copy_with_zone(void*) {
  return make<MutableDictionary>()->init_dictionary(this);
}

MutableDictionary* MutableDictionary::init_capacity(unsigned long n) {
  return entries.reserve(n), this;
}
void MutableDictionary::set(id object, id key) {
  ++mutations;
  put(key, object);
}
void MutableDictionary::remove(id key) {
  ++mutations;
  std::erase_if(entries, [&](const auto& entry) { return equal(entry.first.get(), key); });
}
void MutableDictionary::remove_all() {
  ++mutations;
  entries.clear();
}
id MutableDictionary::copy_with_zone(void*) { return make<Dictionary>()->init_dictionary(this); }

}  // namespace metal_sim

#include <algorithm>

#include "sim/metal/checks.h"
#include "sim/metal/foundation/collections.h"

namespace metal_sim {
namespace {

void check_index(const char* method, unsigned long index, unsigned long count) {
  if (index < count) return;
  failed_assertion(method,
                   "NSRangeException: index " + std::to_string(index) + " beyond bounds " +
                       (count ? "[0 .. " + std::to_string(count - 1) + "]" : "for empty array"));
}

id checked(const char* method, id object) {
  if (!object) failed_assertion(method, "NSInvalidArgumentException: object cannot be nil");
  return object;
}

Ref<Object> kept(id object) { return Ref<Object>(static_cast<Object*>(object)); }

}  // namespace

bool equal(id a, id b) {
  static const SEL name = selector("isEqual:");
  return a == b || (a && b && send<bool>(a, name, b));
}

std::string described(id object) {
  static const SEL name = selector("description");
  return object ? std::string(text(send<id>(object, name))) : "(null)";
}

id Enumerator::next_object() { return next < items.size() ? items[next++].get() : nullptr; }
unsigned long Enumerator::fast(FastState* state, id* room, unsigned long n) {
  unsigned long given = 0;
  for (; given < n && next < items.size(); ++given) room[given] = next_object();
  state->state = 1;
  state->items = room;
  state->mutations = &state->extra[0];
  return given;
}

Array* array(std::vector<Ref<Object>> items) {
  auto a = make_ref<Array>();
  a->items = std::move(items);
  return a.autoreleased();
}

Array* Array::init_objects(const id* objects, unsigned long n) {
  for (unsigned long i = 0; i < n; ++i)
    items.push_back(kept(checked("-[NSArray initWithObjects:count:]", objects[i])));
  return this;
}
Array* Array::init_array(Array* other) {
  if (other) items = other->items;
  return this;
}
unsigned long Array::count() const { return items.size(); }
id Array::object_at(unsigned long index) const {
  check_index("-[NSArray objectAtIndex:]", index, items.size());
  return items[index].get();
}
id Array::first() const { return items.empty() ? nullptr : items.front().get(); }
id Array::last() const { return items.empty() ? nullptr : items.back().get(); }
bool Array::contains(id object) const { return index_of(object) != kNotFound; }
unsigned long Array::index_of(id object) const {
  const auto found = std::find_if(items.begin(), items.end(),
                                  [&](const Ref<Object>& o) { return equal(o.get(), object); });
  return found == items.end() ? kNotFound : static_cast<unsigned long>(found - items.begin());
}
bool Array::is_equal_object(id other) const {
  const Array* o = as<Array>(other);
  return o && std::equal(items.begin(), items.end(), o->items.begin(), o->items.end(),
                         [](const Ref<Object>& a, const Ref<Object>& b) {
                           return equal(a.get(), b.get());
                         });
}
unsigned long Array::hash_count() const { return items.size(); }
Array* Array::adding(id object) const {
  auto all = items;
  all.push_back(kept(checked("-[NSArray arrayByAddingObject:]", object)));
  return array(std::move(all));
}
Array* Array::adding_all(Array* other) const {
  auto all = items;
  if (other) all.insert(all.end(), other->items.begin(), other->items.end());
  return array(std::move(all));
}
String* Array::joined(String* separator) const {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i) out += text(separator);
    out += described(items[i].get());
  }
  return string(out);
}
Enumerator* Array::enumerator() const {
  auto e = make_ref<Enumerator>();
  e->items = items;
  return e.autoreleased();
}
void Array::each(const Block* block) {
  using Call = void (*)(const Block*, id, unsigned long, bool*);
  bool stop = false;
  const auto seen = items;
  for (unsigned long i = 0; i < seen.size() && !stop; ++i) {
    reinterpret_cast<Call>(block->invoke)(block, seen[i].get(), i, &stop);
  }
}
unsigned long Array::fast(FastState* state, id* room, unsigned long n) {
  const unsigned long from = state->state;
  const unsigned long given =
      std::min<unsigned long>(n, items.size() - std::min(from, items.size()));
  for (unsigned long i = 0; i < given; ++i) room[i] = items[from + i].get();
  state->state = from + given;
  state->items = room;
  state->mutations = &mutations;
  return given;
}
String* Array::describe() {
  std::string out = "(";
  for (size_t i = 0; i < items.size(); ++i)
    out += (i ? ",\n    " : "\n    ") + described(items[i].get());
  return string(out + "\n)");
}
id Array::copy_with_zone(void*) { return retain(this); }
id Array::mutable_copy_with_zone(void*) { return make<MutableArray>()->init_array(this); }

MutableArray* MutableArray::init_capacity(unsigned long n) { return items.reserve(n), this; }
void MutableArray::add(id object) {
  ++mutations;
  items.push_back(kept(checked("-[NSMutableArray addObject:]", object)));
}
void MutableArray::add_all(Array* other) {
  ++mutations;
  const auto more = other ? other->items : std::vector<Ref<Object>>();
  items.insert(items.end(), more.begin(), more.end());
}
void MutableArray::insert(id object, unsigned long index) {
  check_index("-[NSMutableArray insertObject:atIndex:]", index, items.size() + 1);
  ++mutations;
  items.insert(items.begin() + static_cast<long>(index),
               kept(checked("-[NSMutableArray insertObject:atIndex:]", object)));
}
void MutableArray::replace(unsigned long index, id object) {
  check_index("-[NSMutableArray replaceObjectAtIndex:withObject:]", index, items.size());
  items[index] = kept(checked("-[NSMutableArray replaceObjectAtIndex:withObject:]", object));
}
void MutableArray::remove_at(unsigned long index) {
  check_index("-[NSMutableArray removeObjectAtIndex:]", index, items.size());
  ++mutations;
  items.erase(items.begin() + static_cast<long>(index));
}
void MutableArray::remove(id object) {
  ++mutations;
  std::erase_if(items, [&](const Ref<Object>& o) { return equal(o.get(), object); });
}
void MutableArray::remove_last() {
  check_index("-[NSMutableArray removeLastObject]", 0, items.size());
  ++mutations;
  items.pop_back();
}
void MutableArray::remove_all() {
  ++mutations;
  items.clear();
}
id MutableArray::copy_with_zone(void*) { return make<Array>()->init_array(this); }

}  // namespace metal_sim

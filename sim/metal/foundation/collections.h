// NSArray, NSDictionary, NSSet, their mutable kinds, enumerators and fast enumeration.
#pragma once

#include <utility>
#include <vector>

#include "sim/metal/foundation/string.h"

namespace metal_sim {

struct FastState {  // NSFastEnumerationState
  unsigned long state;
  id* items;
  unsigned long* mutations;
  unsigned long extra[5];
};

struct Enumerator : Object {
  SIM_CLASS(Enumerator, NSEnumerator)
  std::vector<Ref<Object>> items;
  size_t next = 0;
  id next_object();
  unsigned long fast(FastState* state, id* room, unsigned long n);
};

struct Array : Object {
  SIM_CLASS(Array, NSArray)
  std::vector<Ref<Object>> items;
  unsigned long mutations = 0;

  Array* init_objects(const id* objects, unsigned long n);
  Array* init_array(Array* other);
  unsigned long count() const;
  id object_at(unsigned long index) const;
  id first() const;
  id last() const;
  bool contains(id object) const;
  unsigned long index_of(id object) const;
  bool is_equal_object(id other) const;
  unsigned long hash_count() const;
  Array* adding(id object) const;
  Array* adding_all(Array* other) const;
  String* joined(String* separator) const;
  Enumerator* enumerator() const;
  void each(const Block* block);
  unsigned long fast(FastState* state, id* room, unsigned long n);
  String* describe();
  id copy_with_zone(void* zone);
  id mutable_copy_with_zone(void* zone);
};

struct MutableArray : Array {
  SIM_CLASS(MutableArray, NSMutableArray)
  MutableArray* init_capacity(unsigned long n);
  void add(id object);
  void add_all(Array* other);
  void insert(id object, unsigned long index);
  void replace(unsigned long index, id object);
  void remove_at(unsigned long index);
  void remove(id object);
  void remove_last();
  void remove_all();
  id copy_with_zone(void* zone);
};

struct Dictionary : Object {
  SIM_CLASS(Dictionary, NSDictionary)
  std::vector<std::pair<Ref<Object>, Ref<Object>>> entries;  // small: looked through in order
  unsigned long mutations = 0;

  Dictionary* init_objects(const id* objects, const id* keys, unsigned long n);
  Dictionary* init_arrays(Array* objects, Array* keys);
  Dictionary* init_dictionary(Dictionary* other);
  const Ref<Object>* find(id key) const;
  void put(id key, id object);
  unsigned long count() const;
  id object_for(id key) const;
  Array* keys() const;
  Array* values() const;
  Enumerator* key_enumerator() const;
  Enumerator* object_enumerator() const;
  bool is_equal_object(id other) const;
  unsigned long hash_count() const;
  void each(const Block* block);
  unsigned long fast(FastState* state, id* room, unsigned long n);
  String* describe();
  id copy_with_zone(void* zone);
  id mutable_copy_with_zone(void* zone);
};

struct MutableDictionary : Dictionary {
  SIM_CLASS(MutableDictionary, NSMutableDictionary)
  MutableDictionary* init_capacity(unsigned long n);
  void set(id object, id key);
  void remove(id key);
  void remove_all();
  id copy_with_zone(void* zone);
};

Array* array(std::vector<Ref<Object>> items);  // autoreleased
Ref<Dictionary> dictionary_ref(std::vector<std::pair<Ref<Object>, Ref<Object>>> entries);
bool equal(id a, id b);
std::string described(id object);

}  // namespace metal_sim

// The independent table of data/golden/apple, and the comparison of the bindings with it.
//
// Three sources stand side by side in it. A row that knows a type must agree with the bindings; a
// thing that no row knows in full is reported as unconfirmed. compare() returns what is wrong, in
// words.
#pragma once

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "mps/facts.h"

namespace facts {

using Row = std::vector<std::string>;
using Rows = std::vector<Row>;

struct Table {
  Rows methods, structs, enums, functions, storage, parents;
};

inline Row split(const std::string& text, char at) {
  Row parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

inline Rows read_rows(const std::string& path, std::size_t columns) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + " cannot be read");
  Rows rows;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) continue;
    rows.push_back(split(line, '\t'));
    rows.back().resize(columns);
  }
  return rows;
}

inline Table read_table(const std::string& folder) {
  return {read_rows(folder + "/methods.tsv", 6), read_rows(folder + "/structs.tsv", 4),
          read_rows(folder + "/enums.tsv", 3),   read_rows(folder + "/functions.tsv", 4),
          read_rows(folder + "/storage.tsv", 3), read_rows(folder + "/parents.tsv", 3)};
}

inline std::string shown(const MethodFact& fact) {
  if (fact.owner.empty()) return fact.selector;
  return std::string(1, fact.kind) + "[" + fact.owner + " " + fact.selector + "]";
}

// Whether a row's type says nothing against ours. The sources may not say what a block takes.
inline bool agrees(const std::string& ours, const std::string& theirs) {
  if (theirs == "?") return true;
  if (theirs == "@?") return ours.starts_with("@?(");
  return ours == theirs;
}

inline bool full(const std::string& type) { return type != "?" && type != "@?"; }

inline constexpr const char* kInPart = " in part";

class Comparer {
 public:
  explicit Comparer(const Table& table) : table_(table) {
    for (const Row& row : table.methods) by_selector_[row[3]].push_back(&row);
  }

  std::vector<std::string> compare(const Facts& ours) {
    for (const MethodFact& fact : ours.methods) compare_method(fact);
    for (const MethodFact& fact : ours.functions) compare_function(fact);
    for (const StructFact& fact : ours.structs) compare_struct(fact);
    for (const EnumFact& fact : ours.enums) compare_enum(fact);
    for (const ParentFact& fact : ours.parents) compare_parent(fact);
    return std::move(wrong_);
  }

  // How many methods and functions are in just these sources, with all of their types or in part.
  const std::map<std::string, int>& confirmed() const { return confirmed_; }

 private:
  // The wheels file the methods of protocols under NSObject.
  static bool is_about(const Row& row, const MethodFact& fact) {
    const bool protocol =
        row[0] == "wheel" && row[1] == "NSObject" && fact.owner.starts_with("MTL");
    if (row[1] != fact.owner && !protocol) return false;
    return row[2] == "?" || row[2][0] == fact.kind;
  }

  void compare_method(const MethodFact& fact) {
    bool known = false;
    std::set<std::string> by;
    for (const Row* row : by_selector_[fact.selector]) {
      if (!is_about(*row, fact)) continue;
      known = true;
      const bool whole = compare_types(fact, (*row)[0], (*row)[4], split((*row)[5], ' '));
      by.insert((*row)[0] + (whole ? "" : kInPart));
    }
    note_sources(shown(fact), known, by);
  }

  void compare_function(const MethodFact& fact) {
    bool known = false;
    std::set<std::string> by;
    for (const Row& row : table_.functions) {
      if (row[1] != fact.selector) continue;
      known = true;
      const bool whole = compare_types(fact, row[0], row[2], split(row[3], ' '));
      by.insert(row[0] + (whole ? "" : kInPart));
    }
    note_sources(fact.selector, known, by);
  }

  // Whether the source knows every type of it, and knows it as we do.
  bool compare_types(const MethodFact& fact, const std::string& source, const std::string& result,
                     const Row& arguments) {
    const std::size_t before = wrong_.size();
    if (arguments.size() != fact.arguments.size()) {
      report(shown(fact) + " takes " + std::to_string(fact.arguments.size()) + " arguments, in " +
             source + " " + std::to_string(arguments.size()));
      return false;
    }
    compare_type(shown(fact) + " result", fact.result, source, result);
    bool whole = full(result);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::string what = shown(fact) + " argument " + std::to_string(i + 1);
      compare_type(what, fact.arguments[i], source, arguments[i]);
      whole &= full(arguments[i]);
    }
    return whole && wrong_.size() == before;
  }

  void compare_type(const std::string& what, const std::string& ours, const std::string& source,
                    const std::string& theirs) {
    if (!agrees(ours, theirs)) report(what + " is " + ours + ", in " + source + " " + theirs);
  }

  void compare_struct(const StructFact& fact) {
    // The wheels and dumps name NSRange by its typedef.
    const std::string name = fact.name == "_NSRange" ? "NSRange" : fact.name;
    bool known = false;
    for (const Row& row : table_.structs) {
      if (row[1] != name) continue;
      known = true;
      compare_type(name, fact.encoding, row[0], row[2]);
      compare_fields(fact, row);
    }
    note(name, known, known);
  }

  void compare_fields(const StructFact& fact, const Row& row) {
    std::string names;
    for (const FieldFact& field : fact.fields) names += (names.empty() ? "" : ",") + field.name;
    if (names != row[3])
      report(fact.name + " has fields " + names + ", in " + row[0] + " " + row[3]);
  }

  void compare_enum(const EnumFact& fact) {
    for (const Row& row : table_.storage) {
      if (row[1] == fact.name) compare_type(fact.name, fact.encoding, row[0], row[2]);
    }
    for (const EnumeratorFact& value : fact.values) {
      bool known = false;
      for (const Row& row : table_.enums) {
        if (row[1] != value.name) continue;
        known = true;
        compare_type(value.name, std::to_string(value.value), row[0], row[2]);
      }
      note(value.name, known, known);
    }
  }

  // A protocol may be several others as well; MPSCommandBuffer is a class and the protocol it
  // names.
  void compare_parent(const ParentFact& fact) {
    if (fact.parent.empty()) return;
    bool known = false;
    for (const Row& row : table_.parents) {
      if (row[1] != fact.name) continue;
      known = true;
      const Row theirs = split(row[2], ',');
      if (std::find(theirs.begin(), theirs.end(), fact.parent) == theirs.end()) {
        report(fact.name + " is a " + fact.parent + ", in " + row[0] + " a " + row[2]);
      }
    }
    note(fact.name, known, known);
  }

  void note_sources(const std::string& what, bool known, const std::set<std::string>& by) {
    std::string names;
    bool whole = false;
    for (const std::string& source : by) {
      names += (names.empty() ? "" : ", ") + source;
      whole |= !source.ends_with(kInPart);
    }
    ++confirmed_[names];
    note(what, known, whole);
  }

  void note(const std::string& what, bool known, bool whole) {
    if (!known) report(what + " is in no source");
    if (known && !whole) report(what + " is in no source with all of its types");
  }
  void report(const std::string& text) { wrong_.push_back(text); }

  const Table& table_;
  std::map<std::string, std::vector<const Row*>> by_selector_;
  std::vector<std::string> wrong_;
  std::map<std::string, int> confirmed_;
};

}  // namespace facts

#include "mps/table.h"

#include <gtest/gtest.h>

namespace facts {
namespace {

const Table& table() {
  static const Table read = read_table(PEWTER_DATA_DIR "/golden/apple");
  return read;
}

std::vector<std::string> compare(const Facts& ours, const Table& theirs) {
  return Comparer(theirs).compare(ours);
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

void swap_values(Table& table, const std::string& a, const std::string& b) {
  std::map<std::string, std::map<std::string, std::string*>> at;
  for (Row& row : table.enums) at[row[0]][row[1]] = &row[2];
  for (auto& [source, values] : at) std::swap(*values.at(a), *values.at(b));
}

TEST(Table, BindingsAgreeWithEverySource) {
  const Facts ours = gather();
  Comparer comparer(table());
  EXPECT_EQ(joined(comparer.compare(ours)), "");
  for (const auto& [source, count] : comparer.confirmed()) {
    std::printf("%d methods and functions are in %s\n", count, source.c_str());
    RecordProperty(source, count);
  }
}

// The mistake that made every number of an earlier integration wrong.
TEST(Table, SwappedFloat16AndFloat32AreFound) {
  Table swapped = table();
  swap_values(swapped, "MPSDataTypeFloat16", "MPSDataTypeFloat32");
  EXPECT_EQ(joined(compare(gather(), swapped)),
            "MPSDataTypeFloat16 is 268435472, in sdk 268435488\n"
            "MPSDataTypeFloat16 is 268435472, in wheel 268435488\n"
            "MPSDataTypeFloat32 is 268435488, in sdk 268435472\n"
            "MPSDataTypeFloat32 is 268435488, in wheel 268435472\n");
}

TEST(Table, SwappedBindingIsFound) {
  Facts ours = gather();
  for (EnumFact& fact : ours.enums) {
    if (fact.name != "MPSDataType") continue;
    for (EnumeratorFact& value : fact.values) {
      if (value.name == "MPSDataTypeFloat16") value.value = 268435488;
      if (value.name == "MPSDataTypeFloat32") value.value = 268435472;
    }
  }
  EXPECT_EQ(compare(ours, table()).size(), 4u);  // two values, two sources
}

TEST(Table, WrongTypesAreFound) {
  Facts ours = gather();
  for (MethodFact& fact : ours.methods) {
    if (fact.selector.ends_with("alpha:beta:") && fact.owner == "MPSMatrixMultiplication") {
      fact.arguments[6] = "f";  // alpha, a double
      fact.arguments[1] = "Q";  // transposeLeft, a BOOL
    }
  }
  const std::string who =
      "-[MPSMatrixMultiplication "
      "initWithDevice:transposeLeft:transposeRight:resultRows:resultColumns:"
      "interiorColumns:alpha:beta:]";
  EXPECT_EQ(joined(compare(ours, table())), who + " argument 2 is Q, in sdk Z\n" + who +
                                                " argument 7 is f, in sdk d\n" + who +
                                                " argument 2 is Q, in wheel Z\n" + who +
                                                " is in no source with all of its types\n");
}

TEST(Table, UnknownSelectorIsFound) {
  Facts ours;
  ours.methods.push_back({"MPSMatrix", '-', "initWithBuffer:descriptors:", "@", {"@", "@"}});
  ours.methods.push_back({"MPSMatrix", '+', "initWithBuffer:descriptor:", "@", {"@", "@"}});
  EXPECT_EQ(joined(compare(ours, table())),
            "-[MPSMatrix initWithBuffer:descriptors:] is in no source\n"
            "+[MPSMatrix initWithBuffer:descriptor:] is in no source\n");
}

TEST(Table, WrongStructureIsFound) {
  Facts ours;
  ours.structs.push_back({"MTLOrigin", "{MTLOrigin=QQ}", {{"x", "Q", 0}, {"y", "Q", 8}}, 16});
  EXPECT_EQ(joined(compare(ours, table())),
            "MTLOrigin is {MTLOrigin=QQ}, in sdk {MTLOrigin=QQQ}\n"
            "MTLOrigin has fields x,y, in sdk x,y,z\n"
            "MTLOrigin is {MTLOrigin=QQ}, in wheel {MTLOrigin=QQQ}\n"
            "MTLOrigin has fields x,y, in wheel x,y,z\n");
}

// Offsets as the encoding gives them, with every member at its natural alignment.
TEST(Table, StructuresLieAsTheirEncodingSays) {
  const std::map<std::string, std::size_t> sizes = {
      {"Q", 8},       {"I", 4},    {"{MTLOrigin=QQQ}", 24}, {"{MTLSize=QQQ}", 24},
      {"[16q]", 128}, {"[3I]", 12}};
  for (const StructFact& fact : gather().structs) {
    std::size_t at = 0;
    for (const FieldFact& field : fact.fields) {
      EXPECT_EQ(field.offset, at) << fact.name << " " << field.name;
      at += sizes.at(field.encoding);
    }
    EXPECT_EQ(fact.size, at) << fact.name;
  }
}

// The bindings have every value of the type that says what a matrix is made of.
TEST(Table, DataTypesAreComplete) {
  std::set<std::string> ours;
  for (const EnumFact& fact : gather().enums) {
    for (const EnumeratorFact& value : fact.values) ours.insert(value.name);
  }
  int known = 0;
  for (const Row& row : table().enums) {
    if (!row[1].starts_with("MPSDataType")) continue;
    EXPECT_TRUE(ours.count(row[1])) << row[1];
    ++known;
  }
  EXPECT_EQ(known, 2 * 28);
}

// Nothing is compared with nothing: the bindings are as large as the documentation says they are.
TEST(Table, CountsWhatIsBound) {
  const Facts ours = gather();
  EXPECT_GE(ours.methods.size(), 600u);
  EXPECT_EQ(ours.structs.size(), 11u);
  EXPECT_EQ(ours.enums.size(), 32u);
}

}  // namespace
}  // namespace facts
